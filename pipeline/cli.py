"""The commands. A thin layer over `pipeline.api`, and the only file that prints to standard output.

Exit codes: 0 ok; 2 the job file or the records are wrong; 3 some rows failed; 4 quota spent;
74 the disk; 75 stopped, can be resumed; 130 interrupted.
"""

from __future__ import annotations

import json
import os
import shlex
import sys
from collections.abc import Iterable, Sequence
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from pipeline import __version__, kinds, wording
from pipeline.errors import ROWS_FAILED, DiskError, Interrupted, JobError, PipelineError, RunStopped
from pipeline.screen import Screen, safe_text
from pipeline.tally import counted

if TYPE_CHECKING:
    from pipeline.job import Job
    from pipeline.results import Result

FAULTS_SHOWN = 20

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    help="Bulk text generation and translation that never loses an answer it paid for.",
    epilog="Exit codes: 0 ok, 2 job file or records, 3 some rows failed, 4 quota, 74 disk, "
    "75 can be resumed, 130 interrupted.",
)


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"pipeline {__version__}")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """What stands before a command."""


JobFile = Annotated[Path, typer.Argument(metavar="JOB", help="The job file (YAML).")]
Sets = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="KEY=VALUE", help="Override a key: models.writer.model=gpt-5.5"),
]
Limit = Annotated[int | None, typer.Option("--limit", min=0, help="Only the first n records.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print the result as JSON.")]


def _load(file: Path, sets: Sequence[str] | None, limit: int | None) -> Job:
    from pipeline.loading import load

    changes = [*(sets or ())]
    if limit is not None:
        changes.append(f"records.limit={limit}")
    return load(file, changes)


@app.command()
def run(
    job_file: JobFile,
    sets: Sets = None,
    limit: Limit = None,
    as_json: AsJson = False,
    retry_failed: Annotated[
        bool,
        typer.Option("--retry-failed", help="Pay again for answers that were cut off, refused or rejected."),
    ] = False,
) -> None:
    """Run a job: ask for what is missing, write the table. The same command goes on after any stop."""
    job = _load(job_file, sets, limit)
    from pipeline import api
    from pipeline.tally import Tally

    tally = Tally()
    with Screen(job.name, tally).shown() as screen:
        try:
            result = api.run(job, tally=tally, say=screen.say, retry_failed=retry_failed)
        except RunStopped as error:
            done = f"done: {counted(tally.ok + tally.skipped, 'row')}; `pipeline export` writes what there is"
            error.hint = f"{error.hint}\n  {done}\n  to go on: {_command()}".strip()
            raise
    _show(result, as_json)
    raise typer.Exit(result.exit_code)


@app.command()
def plan(job_file: JobFile, sets: Sets = None, limit: Limit = None, as_json: AsJson = False) -> None:
    """Say what is answered, what is missing and how many tokens that is. Nothing is sent."""
    job = _load(job_file, sets, limit)
    from pipeline import api

    counted = api.plan(job)
    if as_json:
        _print_json(wording.numbers_of_plan(counted))
    else:
        _print(wording.of_plan(counted))


@app.command()
def export(job_file: JobFile, sets: Sets = None, limit: Limit = None, as_json: AsJson = False) -> None:
    """Write the table from what is answered so far. Nothing is sent."""
    job = _load(job_file, sets, limit)
    from pipeline import api

    result = api.export(job)
    _show(result, as_json)
    raise typer.Exit(result.exit_code)


@app.command()
def show(
    job_file: JobFile,
    sets: Sets = None,
    rows: Annotated[int, typer.Option("--rows", min=1, help="How many rows.")] = 5,
) -> None:
    """Show the first rows of the result: what the steps have written."""
    job = _load(job_file, sets, None)
    from pipeline.results import result_frame

    if not job.targets[0].exists():
        raise JobError("there is no result yet", where=str(job_file), hint="run it first: pipeline run")
    _print(wording.of_rows(job, result_frame(job.targets[0]).head(rows)))


@app.command()
def status(job_file: JobFile, sets: Sets = None, as_json: AsJson = False) -> None:
    """Say how the job stands: whether it runs, how its last run ended, what the journal holds."""
    job = _load(job_file, sets, None)
    from pipeline.standing import standing

    report = standing(job)
    if as_json:
        _print_json(report)
    else:
        _print(wording.of_standing(report))


@app.command()
def check(
    job_file: JobFile,
    sets: Sets = None,
    limit: Limit = None,
    rows: Annotated[bool, typer.Option("--rows", help="Render the templates of every record.")] = False,
) -> None:
    """Check a job file, its records and its templates. Nothing is sent."""
    job = _load(job_file, sets, limit)
    from pipeline.session import Session

    session = Session.open(job)
    records = (record for batch in session.source.batches() for record in batch)
    checked, failed = 0, 0
    for record in records if rows else islice(records, 1):
        checked += 1
        for stage, fault in session.faults(record):
            failed += 1
            if failed <= FAULTS_SHOWN:
                where = f"record {record.row} ({record.key}), step {stage.spec.name}"
                typer.echo(safe_text(f"{where}: {fault.message}"), err=True)
    more = "" if rows else "; --rows renders the templates of every record"
    verdict = "" if failed else "the job is fine; "
    typer.echo(f"{job.name}: {verdict}records rendered: {checked:,}, faults: {failed:,}{more}")
    raise typer.Exit(ROWS_FAILED if failed else 0)


@app.command()
def new(job_file: Annotated[Path, typer.Argument(metavar="FILE", help="The file to write.")]) -> None:
    """Write a commented starter job, and a few records for it, that run without a key."""
    from pipeline.starter import write

    for path in write(job_file):
        typer.echo(f"wrote {path}")
    typer.echo(f"next: pipeline run {shlex.quote(str(job_file))}")


@app.command()
def schema() -> None:
    """Print the JSON Schema of the job file, for editors."""
    from pipeline.schema import schema_text

    typer.echo(schema_text(), nl=False)


@app.command(name="kinds")
def kinds_command(
    markdown: Annotated[bool, typer.Option("--markdown", help="As a table for a document.")] = False,
) -> None:
    """List the sources, sinks, providers, dialects, checks and kinds of step there are."""
    rows = [
        (label, name, kinds.summary(wing, name))
        for wing, label in kinds.WINGS.items()
        for name in kinds.names(wing)
    ]
    if markdown:
        typer.echo("| kind | name | what it is |\n| --- | --- | --- |")
        for row in rows:
            typer.echo("| " + " | ".join(cell.replace("|", "\\|") for cell in row) + " |")
        return
    _print(wording.table(("kind", "name", "what it is"), rows))


def _command() -> str:
    """The command that goes on: as it was typed, but what was paid for again is not paid for once more."""
    program = Path(sys.argv[0]).name
    program = "python -m pipeline" if program == "__main__.py" else program
    return shlex.join([*program.split(), *(word for word in sys.argv[1:] if word != "--retry-failed")])


def _show(result: Result, as_json: bool) -> None:
    if as_json:
        _print_json(wording.numbers_of_result(result))
    else:
        _print(wording.of_result(result))


def _print(lines: Iterable[str]) -> None:
    for line in lines:
        typer.echo(line)


def _print_json(value: Any) -> None:
    typer.echo(json.dumps(value, indent=2, default=str))


def _open_streams() -> None:
    """Let closed standard streams lead nowhere: the next file opened must not become one of them."""
    for descriptor in range(3):
        try:
            os.fstat(descriptor)
        except OSError:
            os.open(os.devnull, os.O_RDWR)
    sys.stdout = sys.stdout or open(os.devnull, "w")  # noqa: SIM115, PTH123 - for the life of the process
    sys.stderr = sys.stderr or open(os.devnull, "w")  # noqa: SIM115, PTH123


def main() -> None:
    """The program."""
    _open_streams()
    try:
        app()
        sys.stdout.flush()
    except PipelineError as error:
        lines = [safe_text(line) for line in str(error).splitlines()]
        print("error: " + "\n".join(lines), file=sys.stderr)
        raise SystemExit(error.exit_code) from None
    except KeyboardInterrupt:
        raise SystemExit(Interrupted.exit_code) from None
    except BrokenPipeError:
        os._exit(141)  # the reader has gone away, as of `| head`; there is nobody to tell
    except OSError as error:
        print(f"error: standard output cannot be written: {error.strerror}", file=sys.stderr)
        os._exit(DiskError.exit_code)


if __name__ == "__main__":
    main()
