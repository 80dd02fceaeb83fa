"""The commands around a job file: check it, begin one, what there is to write in it.

This module sends nothing.
"""

from __future__ import annotations

import shlex
import sys
from itertools import islice
from pathlib import Path
from typing import Annotated

import typer

from pipeline.cli import _common as common
from pipeline.cli import wording
from pipeline.core import adapters
from pipeline.core.display import counted, safe_text
from pipeline.core.errors import ROWS_FAILED, JobError

FAULTS_SHOWN = 20
SHOWN = {"\t": "a tab", ",": "a comma", ";": "a semicolon", "|": "a bar (|)"}
DOUBT = "the encoding is a guess: if '{}' is not spelled right, change records.encoding in the job"
NO_KEY = "key: none, because no column is different in every row: rows are known by their content"


def check(
    job_file: common.JobFile,
    sets: common.Sets = None,
    limit: common.Limit = None,
    rows: Annotated[bool, typer.Option("--rows", help="Render the templates of every record.")] = False,
    untrusted: common.Untrusted = False,
    allow_host: common.AllowHost = None,
    allow_key: common.AllowKey = None,
) -> None:
    """Check a job file, its records and its templates. Nothing is sent."""
    job = common.load_job(job_file, sets, limit, common.stranger(untrusted, allow_host, allow_key))
    from pipeline.runs.session import Session
    from pipeline.runs.warnings import warnings_of

    session = Session.open(job)
    warnings = list(map(str, warnings_of(session)))
    common.print_warnings(warnings)
    records = (record for batch in session.source.batches() for record in batch)
    checked, failed = 0, 0
    for record in records if rows else islice(records, 1):
        checked += 1
        for stage, fault in session.faults(record):
            failed += 1
            if failed <= FAULTS_SHOWN:
                where = f"record {record.row} ({record.key}), step {stage.spec.name}"
                typer.echo(safe_text(f"{where}: {fault.message}"), err=True)
    if failed > FAULTS_SHOWN:
        typer.echo(f"… and {counted(failed - FAULTS_SHOWN, 'more fault')} that are not shown", err=True)
    more = "" if rows else "; --rows renders the templates of every record"
    fine = f"the job can run, with {counted(len(warnings), 'warning')}; " if warnings else "the job is fine; "
    verdict = "" if failed else fine
    typer.echo(f"{job.name}: {verdict}records rendered: {checked:,}, faults: {failed:,}{more}")
    raise typer.Exit(ROWS_FAILED if failed else 0)


def new(
    job_file: Annotated[
        Path | None, typer.Argument(metavar="FILE", help="The job file to write; default: the table's name.")
    ] = None,
    table: Annotated[
        Path | None, typer.Option("--from", metavar="TABLE", help="Your records: csv, jsonl, parquet, xlsx.")
    ] = None,
) -> None:
    """Write a commented job file, for a table of yours or for a small sample, that runs without a key."""
    from pipeline.job.spec import Model
    from pipeline.job.starter import TRIED, write, write_for

    asking = table is None and sys.stdin.isatty()
    if asking:
        question = "A table with your records (Enter: a small sample)"
        answer = typer.prompt(question, default="", show_default=False, err=True)
        table = Path(answer) if answer else None
    if table is None:
        file = job_file or Path("job.yaml")
        written = write(file)
    else:
        from pipeline.records.first_look import look_at

        found = look_at(table)
        order = "Write one sentence about this record."
        if asking:
            order = typer.prompt("What shall be written for each row?", default=order, err=True)
        file = job_file or Path(f"{table.name.partition('.')[0] or 'job'}.yaml")
        settings = found.settings
        written = write_for(file, table, found.columns, found.words, found.key, found.rows, order, settings)
        typer.echo(safe_text(f"{table}: {counted(found.rows, 'row')}; columns: {', '.join(found.columns)}"))
        for name, value in settings.items():
            typer.echo(safe_text(f"{name}: {SHOWN.get(str(value), value)}, which the job says"))
        if found.doubted:
            typer.echo(safe_text(DOUBT.format(found.doubted)))
        typer.echo(safe_text(f"key: {found.key}, which is different in every row" if found.key else NO_KEY))
        if found.rows > TRIED:
            more = f"remove the line for all {found.rows:,}"
            typer.echo(f"limit: only the first {TRIED} records, to try it; {more}")
    for path in written:
        typer.echo(f"wrote {path}")
    try:
        list(adapters.load("providers", "embedded").health(Model(provider="embedded")))
    except JobError as missing:
        typer.echo(str(missing))
    typer.echo(f"next: pipeline run {shlex.quote(str(file))}")


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
