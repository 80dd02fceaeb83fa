"""The command that spends money: run, with its pilot and its end.

This module runs nothing itself.
"""

from __future__ import annotations

import shlex
import sys
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

from pipeline.cli import _common as common
from pipeline.cli import wording
from pipeline.cli.screen import Screen
from pipeline.core.display import counted, safe_text
from pipeline.core.errors import JobError, OutOfQuota, RunStopped

if TYPE_CHECKING:
    from pipeline.core.progress import Progress
    from pipeline.job.spec import Job
    from pipeline.runs.result import Result
    from pipeline.runs.state import Wish


_STOPPED = "stopped after the pilot; `pipeline export` writes its rows"
_Frozen = Annotated[
    bool,
    typer.Option(
        "--frozen", help="Send and write nothing; say which translated documents are stale, and end with 3."
    ),
]
_Otel = Annotated[
    bool,
    typer.Option("--otel", help="Send traces and metrics, without texts, to where OTEL_* variables say."),
]


Until = Annotated[
    str | None, typer.Option("--until", metavar="HH:MM", help="Send only what will be answered by then.")
]
For = Annotated[str | None, typer.Option("--for", metavar="6h", help="The same as a duration from now.")]
By = Annotated[
    str | None,
    typer.Option("--by", metavar="HH:MM", help="Be done by then: what no batch answers in time goes alone."),
]
Buffer = Annotated[
    str | None,
    typer.Option("--buffer", metavar="1h", help="How long before --by batches end; default: as needed."),
]
Detach = Annotated[
    bool, typer.Option("--detach", help="Submit batches and end with 75; the same command collects them.")
]


def _processes(given: str) -> int:
    """A number of processes; 0 for auto."""
    return 0 if given == "auto" else common.whole("--processes", 1, "auto")(given)


Processes = Annotated[
    int,
    typer.Option(
        "--processes",
        metavar="N|auto",
        parser=_processes,
        help="Walk the records in N processes; auto: in as many as there are cores, where one is busy.",
    ),
]


def run(
    job_file: common.JobFile,
    sets: common.Sets = None,
    limit: common.Limit = None,
    as_json: common.AsJson = False,
    retry_failed: common.RetryFailed = False,
    pilot: Annotated[
        int | None,
        typer.Option(
            "--pilot",
            metavar="N",
            parser=common.whole("--pilot", 2),
            help="Run N records first, show what the rest will cost, then ask.",
        ),
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Go on after the pilot without asking.")] = False,
    until: Until = None,
    for_: For = None,
    by: By = None,
    buffer: Buffer = None,
    detach: Detach = False,
    processes: Processes = 1,
    frozen: _Frozen = False,
    otel: _Otel = False,
    allow_code: common.AllowCode = False,
    untrusted: common.Untrusted = False,
    allow_host: common.AllowHost = None,
    allow_key: common.AllowKey = None,
) -> None:
    """Run a job: ask for what is missing, write the table. The same command goes on after any stop."""
    end = _end(until, for_)
    done = _done_by(by, buffer)
    job = common.load_job(
        job_file, sets, limit, common.stranger(untrusted, allow_host, allow_key), allow_code
    )
    from pipeline.runs.state import Wish

    if frozen:
        _show_frozen(job, as_json)
    if pilot is not None and not _piloted(job, pilot, end, yes):
        common.show(as_json, {"outcome": "pilot"}, (), RunStopped.exit_code)
        raise typer.Exit(RunStopped.exit_code)
    wish = Wish(retry_failed, end, *done, detach, processes=processes, otel=otel)
    common.show_result(_run(job, wish), as_json)


def _show_frozen(job: Job, as_json: bool) -> NoReturn:
    """Say which translated documents are stale, and end with the exit code."""
    from pipeline import api

    found = api.frozen(job)
    lines = [safe_text(f"stale: {path}: {why}") for path, why in found.stale.items()]
    count = f"{counted(len(found.stale), 'file')} of {counted(found.documents, 'document')}"
    lines.append(f"{count} would change" if found.stale else "all documents are as a run would write them")
    common.show(as_json, {"documents": found.documents, "stale": found.stale}, lines, found.exit_code)
    raise typer.Exit(found.exit_code)


def run_to_the_end(job: Job, as_json: bool, retry_failed: bool) -> None:
    """Run a job, print its result, and end with its exit code."""
    from pipeline.runs.state import Wish

    common.show_result(_run(job, Wish(retry_failed)), as_json)


def _run(job: Job, wish: Wish) -> Result:
    from pipeline import api
    from pipeline.core.progress import Progress

    progress = Progress()
    load_structlog()
    display = Screen(job.name, progress, _at(wish.until)).shown()
    with display as screen, _way_on(progress, _once(sys.argv[1:])):
        return api.run(job, progress=progress, say=screen.say, wish=wish)


def load_structlog() -> None:
    """Import structlog without rich: only its output for people needs rich, which is most of the import."""
    if "rich" not in sys.modules:
        sys.modules["rich"] = None  # type: ignore[assignment] # as if it were not installed
        import structlog  # noqa: F401 - the journal's events go through it

        del sys.modules["rich"]


@contextmanager
def _way_on(progress: Progress, words: Iterable[str]) -> Iterator[None]:
    """When a run stops, say what is done, and which command goes on."""
    try:
        yield
    except RunStopped as error:
        error.numbers = wording.numbers_of_stop(progress)
        rows = progress.ok + progress.skipped
        done = [f"done: {counted(rows, 'row')}; `pipeline export` writes what there is"] if rows else []
        complete = rows and rows + progress.failed == progress.rows_expected
        again = f"{'to write the table' if complete else 'to go on'}: {command_of(_raised(words, error))}"
        error.hint = "\n  ".join(filter(None, [error.hint, *done, again]))
        raise


def _raised(words: Iterable[str], error: RunStopped) -> Iterator[str]:
    """The words, with MORE for the value of a budget that is spent."""
    for word in words:
        name, equals, _ = word.partition("=")
        spent = isinstance(error, OutOfQuota) and name in error.what and name.startswith("budget.")
        yield f"{name}=MORE" if equals and spent else word


def _end(until: str | None, for_: str | None) -> float | None:
    """The Unix time that --until or --for means."""
    from pipeline.core.clock import SYSTEM_ZONE, duration_of, time_of

    if until and for_:
        raise JobError("either --until or --for", where="pipeline run")
    try:
        if until:
            return time_of(until, datetime.now(SYSTEM_ZONE)).timestamp()
        return time.time() + duration_of(for_) if for_ else None
    except ValueError as error:
        raise JobError(str(error), where="--until" if until else "--for") from None


def _done_by(by: str | None, buffer: str | None) -> tuple[float | None, float | None]:
    """The Unix time that --by means, and the seconds of --buffer."""
    from pipeline.core.clock import SYSTEM_ZONE, duration_of, time_of

    if buffer and not by:
        raise JobError("it goes with --by", where="--buffer")
    where = "--by"
    try:
        end = time_of(by, datetime.now(SYSTEM_ZONE)).timestamp() if by else None
        where = "--buffer"
        return end, duration_of(buffer) if buffer else None
    except ValueError as error:
        raise JobError(str(error), where=where) from None


def _at(end: float | None) -> str:
    """The time of day at which a run ends; '' where none is set."""
    from pipeline.core.clock import SYSTEM_ZONE, spoken

    zone = SYSTEM_ZONE
    return spoken(datetime.fromtimestamp(end, zone), datetime.now(zone)) if end is not None else ""


def _piloted(job: Job, n: int, until: float | None, yes: bool) -> bool:
    """Run a pilot, say what it has shown, and whether to go on."""
    from pipeline import api
    from pipeline.core.progress import Progress

    progress = Progress()
    with Screen(job.name, progress, _at(until)).shown() as screen, _way_on(progress, sys.argv[1:]):
        pilot = api.pilot(job, n=n, progress=progress, say=screen.say, until=until)
    for line in wording.of_pilot(pilot):
        typer.echo(common.fitted(line, sys.stderr), err=True)
    if not pilot.rest or yes:
        return True
    if not sys.stdin.isatty():
        typer.echo(f"{_STOPPED}; to go on: {command_of([*sys.argv[1:], '--yes'])}", err=True)
        return False
    if typer.confirm("go on?", err=True):
        return True
    typer.echo(f"{_STOPPED}; to go on: {way_on()}", err=True)
    return False


def _once(words: list[str]) -> Iterator[str]:
    """The words without options for one time: paying again, a pilot, an end that may be over."""
    skip = False
    for word in words:
        name = word.partition("=")[0]
        if not skip and name not in ("--retry-failed", "--pilot", "--until", "--for"):
            yield word
        skip = word in ("--pilot", "--until", "--for")


def way_on() -> str:
    """The command that goes on with the work of this process."""
    return command_of(_once(sys.argv[1:]))


def command_of(words: Iterable[str]) -> str:
    """The program with these words, as one types it."""
    program = Path(sys.argv[0]).name
    program = "python -m pipeline" if program == "__main__.py" else program
    return shlex.join([*program.split(), *words])
