"""The job file that `pipeline translate` writes: documents, one model, a language or several.

This module does not read documents and sends nothing.
"""

from __future__ import annotations

import os
import re
import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from pipeline.core.document import PSEUDO
from pipeline.core.errors import JobError
from pipeline.job.starter import SCHEMA, yaml_scalar

MADE = "# Made by: "
"""how a job file begins that was written for somebody"""
_SUM = "# Sum: "
"""of all that follows: whether somebody has changed the file"""
_GLOSSARY = "# glossary: terms.csv        # columns: source, a language each, note, case, keep, forbidden"
_BRIEF = '# brief: "API manual for developers"'
_INCLUDE = "# include: [bilingual, tmx]  # also side by side, and as a translation memory"
_JOB = """\
# yaml-language-server: $schema={schema}
# Change it as you like, and run it:  pipeline run {file}
name: {name}                 # state and results live in output/{name}/
records: {{from: {records}{kind}}}
models:
  translator: {{{model}}}
steps:
  - name: translated
    each: {{lang: [{languages}]}}
    translate:
      from: {source}
      to: "{{{{ lang }}}}"
      {glossary}
      {brief}
      # style: "Address the reader as 'you'. Keep product names in English."
output:
  tree: "output/{name}/{{{{ lang }}}}/{{{{ path }}}}"
  {include}
"""


@dataclass(frozen=True)
class Order:
    """What somebody asks for at the command line."""

    documents: tuple[Path, ...]
    source: str
    targets: tuple[str, ...]
    model: str
    provider: str = ""
    preset: str = ""
    base_url: str = ""
    api_key_env: str = ""
    glossary: tuple[Path, ...] = ()
    brief: str = ""
    include: tuple[str, ...] = ()

    @property
    def is_pseudo(self) -> bool:
        """Whether nothing is asked of a model."""
        return self.targets == (PSEUDO,)


def file_for(order: Order) -> Path:
    """Where the job file stands: beside the first of the documents."""
    first = Path(os.path.abspath(order.documents[0]))  # noqa: PTH100 - a link stays where it is
    stem = (
        re.sub(r"[^A-Za-z0-9._-]+", "-", first.stem if first.suffix else first.name).strip("-.")
        or "documents"
    )
    return first.parent / f"{stem}.{PSEUDO if order.is_pseudo else 'translate'}.yaml"


def write(order: Order, file: Path, command: Sequence[str]) -> bool:
    """Write the job file; whether it was written. An equal one stays as it is.

    One that another command wrote, and nobody has changed since, is written anew. `JobError` for one that
    somebody has changed: it is not overwritten.
    """
    body = _body(order, file)
    text = f"{MADE}{shlex.join(command)}\n{_SUM}{_digest(body)}\n{body}"
    try:
        before = file.read_text("utf-8")
    except FileNotFoundError:
        before = ""
    except (OSError, UnicodeDecodeError):
        raise JobError("is there already, and cannot be read", where=str(file)) from None
    _, _, was = before.partition(f"\n{_SUM}")
    summed, _, body_before = was.partition("\n")
    if body_before == body:
        return False
    if before and summed != _digest(body_before):
        hint = f"run it as it is: pipeline run {shlex.quote(str(file))}; or name another file: --job FILE"
        raise JobError("was changed by hand, and is not overwritten", where=str(file), hint=hint)
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, "utf-8")
    except OSError as error:
        raise JobError(f"cannot be written: {error.strerror}", where=str(file)) from None
    return True


def _digest(body: str) -> str:
    return sha256(body.encode()).hexdigest()[:12]


def _body(order: Order, file: Path) -> str:
    keys = {"provider": order.provider, "preset": order.preset, "model": order.model}
    keys |= {"base_url": order.base_url, "api_key_env": order.api_key_env}
    records = [yaml_scalar(os.path.relpath(path, file.parent)) for path in order.documents]
    glossary = [yaml_scalar(os.path.relpath(path, file.parent)) for path in order.glossary]
    brief = f"brief: {yaml_scalar(order.brief)}" if order.brief else ""
    include = f"include: [{', '.join(order.include)}]" if order.include else ""
    return _JOB.format(
        schema=SCHEMA,
        file=shlex.quote(file.name),
        name=file.stem.replace(".", "-"),
        records=records[0] if len(records) == 1 else f"[{', '.join(records)}]",
        kind=", as: documents" if len(records) == 1 and order.documents[0].is_file() else "",
        model=", ".join(f"{key}: {yaml_scalar(value)}" for key, value in keys.items() if value),
        languages=", ".join(map(yaml_scalar, order.targets)),
        source=yaml_scalar(order.source),
        glossary=f"glossary: [{', '.join(glossary)}]" if glossary else _GLOSSARY,
        brief=brief or _BRIEF,
        include=include or _INCLUDE,
    )
