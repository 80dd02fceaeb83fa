"""A commented job to start from, which runs as it is: on the embedded model, without a key.

It is about a small sample of records, or about a table that somebody has. This module does not read tables.
"""

from __future__ import annotations

import json
import os
import re
import shlex
from collections.abc import Iterable, Mapping, Sequence
from itertools import count
from keyword import iskeyword
from pathlib import Path
from unicodedata import combining, normalize

from pipeline.core.errors import JobError
from pipeline.system.files import adapter_name

SCHEMA = Path(__file__).parents[1] / "job.schema.json"
_JOB = """\
# yaml-language-server: $schema={schema}
# Run it:            pipeline run {file}
# What it would ask: pipeline plan {file}
# On a real API:     OPENAI_API_KEY=… pipeline run {file} --set steps.{step}.model=cloud
{named:31} # state and results live in output/{name}/
records:
  {source:29} # csv, tsv, json, jsonl, parquet, xlsx, ods; relative to this file
  {key}
  {where:30}# SQL over the columns
  {limit}
models:
  small:
    provider: embedded          # a real small model on this machine, no key needed
    params: {{temperature: 0.5, max_tokens: 60, seed: 1}}
  cloud:
    provider: openai            # or any compatible endpoint, with base_url
    model: gpt-5-mini
    params: {{reasoning_effort: minimal, max_completion_tokens: 200}}
    # limits: {{rpm: 500, tpm: 200000}}   # not needed: the run finds them
steps:
  - name: {step}
    model: small
    system: You write short, friendly texts. Answer with one sentence.
    prompt: |
{prompt}
    allow: [length]             # keep an answer that is cut off; without this, its row fails
    # answer: {{json: {{text: string, tags: [string]}}}}    # fields become columns
    # checks: {{length: {{max: 200}}}}
# budget: {{cost: 2.00}}          # dollars, in all runs together; no request is sent that could exceed it
output:
  to: output/{name}/{name}.{format}   # or csv, tsv, json, jsonl, parquet, xlsx; a list writes several files
"""
_RECORDS = """\
id,product,about,price
tea,green tea,picked by hand in spring,12
lamp,a desk lamp,made of recycled glass,49
mug,a travel mug,warm for six hours,19
"""
_SAMPLE = "Write one slogan for {{ product }}, which is {{ about }}."
_TAKEN = {"self", "row", "true", "false", "none"}
MOST_IN_PROMPT = 8
TRIED = 5  # records of a larger table that the job begins with


def write(file: Path) -> list[Path]:
    """Write a job with a sample of records; `JobError` where a file is there already. Gives the files."""
    name = _name_of(file)
    records = file.with_name(f"{name}-records.csv")
    key = "key: id                       # the column(s) that identify a record"
    limit = "# limit: 2                    # only the first records"
    where = '# where: "price > 10"'
    parts = {"format": "csv", "records": records.name, "key": key, "where": where, "limit": limit}
    parts["step"] = "slogan"
    parts["prompt"] = _indented(_SAMPLE)
    return _written({file: _filled(file, name, parts), records: _RECORDS})


def in_prompt(words: Iterable[str]) -> list[str]:
    """The columns that the prompt of a job for a table names."""
    return [name for name in words if not set(name) & set("{}%\r\n")][:MOST_IN_PROMPT]


def write_for(
    file: Path,
    table: Path,
    columns: Sequence[str],
    words: Iterable[str],
    key: str,
    rows: int,
    order: str,
    settings: Mapping[str, str | int],
) -> list[Path]:
    """Write a job for a table: `words` are the columns for its prompt, `order` says what to write.

    `settings` say how the table is read.
    """
    words = list(words)
    lines = [f"{name.strip()}: {_variable(name)}" for name in in_prompt(words)]
    step = next(name for name in ("text", "answer", "written_text", "step_1") if name not in columns)
    said = f"key: {yaml_scalar(key)}" if key else "# key: id"
    why = "different in every row" if key else "no column was found that is different in every row"
    why = why if rows else "only a guess, because the table has no rows yet"
    how = [
        f"{name}: {value if isinstance(value, int) else yaml_scalar(value)}"
        for name, value in settings.items()
    ]
    keys = [*how, f"{said:29} # the column(s) that identify a record: {why}"]
    limit = f"limit: {TRIED}" if rows > TRIED else "# limit: 5"
    parts = {
        "format": "xlsx" if table.suffix.lower() == ".ods" else adapter_name(table)[0],
        "records": yaml_scalar(os.path.relpath(table, file.parent)),
        "key": "\n  ".join(keys),
        "where": f"# where: {_condition(in_prompt(words))}",
        "limit": f"{limit:30}# only the first records, to try it; without this line, all {rows:,}",
        "step": step,
        "prompt": _indented("\n".join([order.replace("{", "").replace("}", ""), "", *lines])),
    }
    return _written({file: _filled(file, _name_of(file), parts)})


def plain_name(text: str) -> str:
    """A text as a name of letters, digits, dots and dashes: without accents; '' where nothing is left."""
    letters = normalize("NFKD", text.replace("ß", "ss"))
    bare = "".join(letter for letter in letters if not combining(letter))
    return re.sub(r"[^A-Za-z0-9._-]+", "-", bare).strip("-.")


def _condition(columns: Sequence[str]) -> str:
    """An example of `where`, with a column that the table has."""
    plain = (name for name in columns if re.fullmatch("[a-z]\\w*", name, re.ASCII | re.IGNORECASE))
    name = next(plain, None) or next((f'"{name}"' for name in columns if not set(name) & set("\"'")), "")
    return f"'{name} IS NOT NULL'" if name else "…"


def _name_of(file: Path) -> str:
    """A name for the job whose folder is not that of another job."""
    name = plain_name(file.stem) or "job"
    folder = file.absolute().parent
    output = (folder.parent if folder.name == "jobs" else folder) / "output"
    names = (name if n == 1 else f"{name}-{n}" for n in count(1))
    return next(one for one in names if not (output / one).exists())


def _filled(file: Path, name: str, parts: dict[str, str]) -> str:
    parts = parts | {"named": f"name: {name}", "source": f"from: {parts['records']}"}
    return _JOB.format(schema=SCHEMA, file=shlex.quote(str(file)), name=name, **parts)


def _variable(name: str) -> str:
    plain = name.isidentifier() and not iskeyword(name) and name.lower() not in _TAKEN
    return f"{{{{ {name} }}}}" if plain else f"{{{{ row[{json.dumps(name, ensure_ascii=False)}] }}}}"


def yaml_scalar(text: str) -> str:
    """A text as YAML reads it back."""
    plain = re.fullmatch(r"[A-Za-z_./][\w./-]*", text, re.ASCII) and not re.fullmatch(
        r"(?i)y|n|yes|no|on|off|true|false|null|\.nan|\.inf", text
    )
    return text if plain else json.dumps(text, ensure_ascii=False)


def _indented(text: str) -> str:
    return "\n".join(f"      {line}".rstrip() for line in text.splitlines())


def _written(files: dict[Path, str]) -> list[Path]:
    written = []
    for path, content in files.items():
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise JobError(f"cannot be made: {error.strerror}", where=str(path.parent)) from None
        try:
            with path.open("x", encoding="utf-8") as stream:
                stream.write(content)
        except FileExistsError:
            other = shlex.quote(f"{path.stem}-2.yaml")
            hint = f"name another job file: pipeline new {other}; or take this one away first"
            raise JobError("is there already, and is not overwritten", where=str(path), hint=hint) from None
        except OSError as error:
            raise JobError(f"cannot be written: {error.strerror}", where=str(path)) from None
        written.append(path)
    return written
