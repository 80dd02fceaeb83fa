"""The commands. A thin layer over `pipeline.api`, and the only folder that prints to standard output.

What an exit code means stands in `core/errors.py`.
"""

from __future__ import annotations

import gc
import json
import os
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Annotated

import typer

from pipeline import __version__
from pipeline.cli import _common as common
from pipeline.cli import handing, journal, look, run, tools, translate, wording
from pipeline.core.display import safe_text
from pipeline.core.errors import (
    EXIT_CODES,
    Detached,
    DiskError,
    Interrupted,
    JobError,
    PipelineError,
    RunStopped,
)
from pipeline.system.signals import end_the_program

YOUNG = 50_000
"""new objects before the garbage collector runs: scanning all imports is a tenth of a start's CPU"""

app = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    help="Bulk text generation and translation that never loses an answer it paid for.",
    epilog="Exit codes: "
    + ", ".join(f"{code} {one.short}" for code, one in EXIT_CODES.items() if code != 1)
    + ".",
)

_OTHERS = {
    "--dry-run": "`pipeline plan` says what a run would send and cost; for a rehearsal without a server add "
    "--set name=rehearsal --set models.NAME.provider=scripted",
    "--budget": "--set budget.cost=20",
    "--model": "--set models.NAME.model=MODEL",
    "--output": "--set output.to=FILE",
    "--concurrency": "--set models.NAME.limits.concurrency=8",
    "--resume": "leave it out: the same command goes on where it stopped",
    "--force": "--retry-failed asks again for answers that were cut off, refused or rejected",
}
"""options that other programs have, each with what does the same here"""


def _refuse_others(words: Sequence[str]) -> None:
    """Name what does the same as an option that other programs have, and the command for a lone job file."""
    if words and words[0].endswith((".yaml", ".yml")):
        what, hint = "a command stands before the job file", f"write: pipeline run {words[0]}"
        raise JobError(what, where=f"pipeline {words[0]}", hint=hint)
    for word in words[1:] if words[:1] in (["run"], ["plan"], ["check"], ["export"]) else ():
        option = word.partition("=")[0].replace("--dryrun", "--dry-run")
        if option in _OTHERS:
            raise JobError(f"there is no option {option}", where=f"pipeline {words[0]}", hint=_OTHERS[option])


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


_COMMANDS: tuple[Callable[..., None], ...] = (
    run.run, translate.translate, look.plan, look.export, look.show, look.status, look.ctl, handing.finetune,
    tools.check, look.doctor, tools.new, tools.schema,
)  # fmt: skip
for _command in _COMMANDS:  # a line that is told is not cut: it is wrapped
    app.command(short_help=common.first_sentence(_command))(_command)
app.command(name="kinds", short_help=common.first_sentence(tools.kinds_command))(tools.kinds_command)
app.add_typer(journal.app, name="journal", short_help=journal.app.info.help)


def _open_streams() -> None:
    """Open closed standard streams on the null device: else the next file opened would become one of them."""
    for descriptor in range(3):
        try:
            os.fstat(descriptor)
        except OSError:
            os.open(os.devnull, os.O_RDWR)
    sys.stdin = sys.stdin or open(os.devnull)  # noqa: SIM115, PTH123 - for the life of the process
    sys.stdout = sys.stdout or open(os.devnull, "w")  # noqa: SIM115, PTH123 - the same
    sys.stderr = sys.stderr or open(os.devnull, "w")  # noqa: SIM115, PTH123 - the same


def _show_end(code: int) -> None:
    """An end for programs whose message is on standard error only."""
    if code in EXIT_CODES and code:
        error = PipelineError(EXIT_CODES[code].meaning, hint="standard error has the message")
        error.exit_code = code
        error.outcome = Interrupted.outcome if code == Interrupted.exit_code else error.outcome
        _show_error(error)


def _show_error(error: PipelineError) -> None:
    """An error for programs, where they want JSON and have got none yet."""
    if "--json" in sys.argv and not common.SHOWN:
        print(json.dumps(wording.numbers_of_error(error), indent=2))


def main() -> None:
    """The program."""
    gc.set_threshold(YOUNG)
    common.SHOWN.clear()
    _open_streams()
    signals = end_the_program()
    try:
        _refuse_others(sys.argv[1:])
        app()
        sys.stdout.flush()
    except PipelineError as error:
        lines = [safe_text(line) for line in str(error).splitlines()]
        print(("" if isinstance(error, Detached) else "error: ") + "\n".join(lines), file=sys.stderr)
        _show_error(error)
        raise SystemExit(error.exit_code) from None
    except (KeyboardInterrupt, SystemExit) as end:
        if isinstance(end, SystemExit) and not (signals and end.code == Interrupted.exit_code):
            _show_end(end.code if isinstance(end.code, int) else 0)
            raise
        _show_end(Interrupted.exit_code)
        again = run.way_on() if sys.argv[1:2] == ["run"] else "the same command"
        print(f"error: interrupted ({''.join(signals[:1])})\n  to go on: {again}", file=sys.stderr)
        raise SystemExit(Interrupted.exit_code) from None
    except MemoryError:
        print("error: no memory is left\n  run the same command with more memory", file=sys.stderr)
        _show_end(RunStopped.exit_code)
        raise SystemExit(RunStopped.exit_code) from None
    except BrokenPipeError:
        os._exit(141)  # the reader has gone, as with `| head`: nobody can be told
    except OSError as error:
        what = error.filename or "standard output"
        print(f"error: {safe_text(str(what))}: {error.strerror}", file=sys.stderr)
        with suppress(OSError):
            _show_end(DiskError.exit_code)
            sys.stdout.flush()
        os._exit(DiskError.exit_code)
    except Exception:
        _show_end(1)
        raise


if __name__ == "__main__":
    main()
