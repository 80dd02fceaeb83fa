"""The commands around a job file: check it, begin one, what there is to write in it.

This module sends nothing.
"""

from __future__ import annotations

import shlex
import sys
from collections.abc import Sequence
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pipeline.cli import _common as common
from pipeline.cli import wording
from pipeline.core import adapters
from pipeline.core.display import counted, safe_text
from pipeline.core.errors import ROWS_FAILED, JobError, PipelineError
from pipeline.system.files import adapter_name

if TYPE_CHECKING:
    from pipeline.records.first_look import FirstLook

FAULTS_SHOWN = 20
SHOWN = {"\t": "a tab", ",": "a comma", ";": "a semicolon", "|": "a bar (|)"}
DOUBT = "the encoding is a guess: if '{}' is not spelled right, change records.encoding in the job"
NO_KEY = "key: none, because no column is different in every row: rows are known by their content"
NO_ROWS = "the table has no rows yet: there is nothing to write, and the job's key is only a guess"
HOW = "a column is added as {{ name }}, a list as {{ name | join(', ') }}"
ORDER = "Write one sentence about this item."
QUESTION = "A table with your records (Enter: a small sample)"


def check(
    job_file: common.JobFile,
    sets: common.Sets = None,
    limit: common.Limit = None,
    rows: Annotated[bool, typer.Option("--rows", help="Render the templates of every record.")] = False,
    as_json: common.AsJson = False,
    allow_code: common.AllowCode = False,
    untrusted: common.Untrusted = False,
    allow_host: common.AllowHost = None,
    allow_key: common.AllowKey = None,
) -> None:
    """Check a job file, its records and its templates. Nothing is sent."""
    job = common.load_job(
        job_file, sets, limit, common.stranger(untrusted, allow_host, allow_key), allow_code
    )
    from pipeline.runs.ending.ending import listeners_of
    from pipeline.runs.session import Session
    from pipeline.runs.warnings import warnings_of

    session = Session.open(job)
    at_end = [f"at the end of a run: {spec.told}" for spec, _ in listeners_of(job, runs=False)]
    warnings = list(map(str, warnings_of(session)))
    common.print_warnings(warnings)
    records = (record for batch in session.source.batches() for record in batch)
    checked, failed, faults = 0, 0, list[dict[str, object]]()
    for record in records if rows else islice(records, 1):
        checked += 1
        for stage, fault in session.faults(record):
            failed += 1
            if failed <= FAULTS_SHOWN:
                about = {"record": record.row, "key": record.key, "step": stage.spec.name}
                faults.append({**about, "message": fault.message})
    code = ROWS_FAILED if failed else 0
    for one in faults:
        where = f"record {one['record']} ({one['key']}), step {one['step']}"
        typer.echo(safe_text(f"{where}: {one['message']}"), err=True)
    if failed > FAULTS_SHOWN:
        typer.echo(f"… and {counted(failed - FAULTS_SHOWN, 'more fault')} that are not shown", err=True)
    more = "" if rows else "; --rows renders the templates of every record"
    fine = f"the job can run, with {counted(len(warnings), 'warning')}; " if warnings else "the job is fine; "
    verdict = "" if failed else fine
    said = f"{job.name}: {verdict}records rendered: {checked:,}, faults: {failed:,}{more}"
    lines = [*filter(None, [session.source.told]), *at_end]
    numbers = {"job": job.name, "checked": checked, "failed": failed, "faults": faults}
    numbers |= {"warnings": warnings, "told": lines}
    common.show(as_json, numbers, [*map(safe_text, lines), said], code)
    raise typer.Exit(code)


def new(
    job_file: Annotated[
        Path | None, typer.Argument(metavar="FILE", help="The job file to write; default: the table's name.")
    ] = None,
    also: Annotated[Path | None, typer.Argument(metavar="TABLE", help="The same as --from TABLE.")] = None,
    table: Annotated[
        Path | None,
        typer.Option("--from", metavar="TABLE", help=f"Your records: {', '.join(adapters.names('tables'))}."),
    ] = None,
) -> None:
    """Write a commented job file, for a table of yours or for a small sample, that runs without a key."""
    from pipeline.job.models import Model
    from pipeline.job.starter import write

    job_file, table = _meant([one for one in (job_file, also) if one], table)
    if table is None and sys.stdin.isatty():
        file, written = _asked(job_file)
    elif table is None:
        file = job_file or Path("job.yaml")
        written = write(file)
    else:
        from pipeline.records.first_look import look_at

        file, written = _written_for(table, look_at(table), job_file, ORDER)
    for path in written:
        typer.echo(f"wrote {path}")
    try:
        list(adapters.load("providers", "embedded").health(Model(provider="embedded")))
    except JobError as missing:
        typer.echo(str(missing))
    typer.echo(f"next: pipeline run {shlex.quote(str(file))}")


def _meant(named: Sequence[Path], table: Path | None) -> tuple[Path | None, Path | None]:
    """The job file and the table: a name with a table's ending is the table, with or without --from.

    So is any other file that is there and is no job file: that it cannot be read is said later.
    """
    readable = adapters.names("tables")
    tables = [
        one
        for one in named
        if adapter_name(one)[0] in readable or (one.suffix not in ("", ".yaml", ".yml") and one.is_file())
    ]
    jobs = [one for one in named if one not in tables]
    tables += [table] if table else []
    if len(jobs) > 1 or len(tables) > 1:
        hint = "for example: pipeline new job.yaml --from products.csv"
        raise JobError("takes one job file to write, and one table", where="pipeline new", hint=hint)
    return next(iter(jobs), None), next(iter(tables), None)


def _asked(job_file: Path | None) -> tuple[Path, list[Path]]:
    """The job file, and what was written, for the table that somebody at the terminal names."""
    from pipeline.job.starter import write
    from pipeline.records.first_look import look_at

    while answer := typer.prompt(QUESTION, default="", show_default=False, err=True).strip().strip("\"'"):
        table = Path(answer).expanduser()
        try:
            found = look_at(table)
        except PipelineError as error:
            typer.echo("\n".join(map(safe_text, str(error).splitlines())), err=True)
            continue
        order = typer.prompt("What shall be written for each row?", default=ORDER, err=True)
        return _written_for(table, found, job_file, order)
    file = job_file or Path("job.yaml")
    return file, write(file)


def _written_for(table: Path, found: FirstLook, job_file: Path | None, order: str) -> tuple[Path, list[Path]]:
    """The same for a table, with what there is to say about it."""
    from pipeline.job.starter import TRIED, in_prompt, write_for

    file = job_file or Path(f"{table.name.partition('.')[0] or 'job'}.yaml")
    settings = found.settings
    written = write_for(file, table, found.columns, found.words, found.key, found.rows, order, settings)
    said = [f"{table}: {counted(found.rows, 'row')}; columns: {', '.join(found.columns)}"]
    said += [
        f"{name}: {SHOWN.get(str(value), value)} (written into the job)" for name, value in settings.items()
    ]
    said += [DOUBT.format(found.doubted)] if found.doubted else []
    key = f"key: {found.key}, which is different in every row" if found.key else NO_KEY
    said.append(key if found.rows else NO_ROWS)
    used = in_prompt(found.words)
    if left := [name for name in found.columns if name not in used]:
        said.append(f"not in the prompt: {', '.join(left)}; {HOW}")
    if found.rows > TRIED:
        said.append(
            f"limit: only the first {TRIED} records, to try it; remove the line for all {found.rows:,}"
        )
    common.print_lines(map(safe_text, said))
    return file, written


def schema() -> None:
    """Print the JSON Schema of the job file, for editors."""
    from pipeline.job.load import schema_text

    typer.echo(schema_text(), nl=False)


def kinds_command(
    markdown: Annotated[bool, typer.Option("--markdown", help="Print a Markdown table.")] = False,
) -> None:
    """List all table formats, providers, dialects, checks, kinds of step and presets."""
    from pipeline.wire.presets import presets

    rows = [
        (label, name, adapters.summary(wing, name))
        for wing, label in adapters.WINGS.items()
        for name in adapters.names(wing)
    ]
    rows += [("preset", name, f"{one.title}, {one.address or one.form}") for name, one in presets().items()]
    if markdown:
        typer.echo("| kind | name | what it is |\n| --- | --- | --- |")
        for row in rows:
            typer.echo("| " + " | ".join(cell.replace("|", "\\|") for cell in row) + " |")
        return
    common.print_lines(wording.table(("kind", "name", "what it is"), rows))
