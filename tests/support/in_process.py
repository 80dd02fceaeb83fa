"""A command in this process: its exit code, and what it printed.

Importing the program takes two seconds of processor time in a process of its own, and nothing here. What
belongs to a whole process is lent to the command and taken back: the folder, the environment, the arguments,
the three streams and the handlers of signals. What only a process of its own can show needs one: signals,
kills, descriptors that are closed, limits of the system, variables that are read while Python starts.
"""

from __future__ import annotations

import io
import os
import signal
import sys
import traceback
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, chdir, contextmanager, redirect_stderr, redirect_stdout
from pathlib import Path
from subprocess import CompletedProcess
from typing import NoReturn
from unittest.mock import patch

import pipeline
from pipeline.cli import main
from pipeline.core import adapters
from pipeline.system import signals

for _format in adapters.names("tables"):
    adapters.load(
        "tables", _format
    )  # some set variables for polars when they are imported, and these must stay

PROGRAM = str(Path(pipeline.__file__).with_name("__main__.py"))


def called(arguments: Sequence[str], folder: Path, env: Mapping[str, str]) -> CompletedProcess[str]:
    """Call the program with these arguments in a folder, with this environment and an empty input."""
    words = [PROGRAM, *arguments]
    out = io.TextIOWrapper(io.BytesIO(), "utf-8")
    errors = io.TextIOWrapper(io.BytesIO(), "utf-8", "backslashreplace")
    with ExitStack() as stack:
        enter = stack.enter_context
        enter(chdir(folder))
        enter(_as_before())
        enter(patch.dict(os.environ, env, clear=True))
        enter(patch.object(sys, "argv", words))
        enter(patch.object(sys, "stdin", io.StringIO()))
        enter(patch.object(os, "_exit", _end))
        enter(redirect_stdout(out))
        enter(redirect_stderr(errors))
        code = _code()
    return CompletedProcess(words, code, _text(out), _text(errors))


def _code() -> int:
    """The exit code of the program, as Python itself would give it."""
    try:
        main()
    except SystemExit as end:
        if end.code is None or isinstance(end.code, int):
            return end.code or 0
        print(end.code, file=sys.stderr)
        return 1
    except Exception:
        traceback.print_exc()
        return 1
    return 0


def _end(code: int) -> NoReturn:
    raise SystemExit(code)


def _text(stream: io.TextIOWrapper) -> str:
    stream.flush()
    stream.seek(0)
    return stream.read()


@contextmanager
def _as_before() -> Iterator[None]:
    """Give back the handlers of signals."""
    before = {number: signal.getsignal(number) for number in signals.SIGNALS}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        signals._came.clear()
