"""A child process that ends with us, whatever happens to us.

The child is a `python -m` module that reads one line of JSON settings from its standard input and prints
one line of JSON when it is ready. Standard input stays open as long as the parent lives: its end of file
is the order to end (see `end_with_parent`, which also has Linux send the signal). Secrets go through that
line, so neither the list of processes nor the environment shows them. What the child writes to its
standard error goes to an unnamed file, of which the last lines explain a failure.
This module does not know what the child does.
"""

from __future__ import annotations

import ctypes
import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import anyio
from anyio.abc import Process
from anyio.streams.buffered import BufferedByteReceiveStream

GRACE = 3.0  # seconds between SIGTERM and SIGKILL
PR_SET_PDEATHSIG = 1
ROOT = str(Path(__file__).resolve().parents[2])
"""where `pipeline` is imported from, also when that is not an installed place"""


class ChildFailed(Exception):
    """The child ended, or stayed silent, before it was ready; the text holds its last lines."""


@dataclass(frozen=True)
class Child:
    """A running child: what it said when it was ready (`ready`), its process and its log."""

    process: Process
    ready: Mapping[str, Any]
    log: IO[bytes]

    async def died(self, within: float = 0.5) -> bool:
        """Whether it has ended, or ends within so many seconds: the system reports an end a little later."""
        with anyio.move_on_after(within):
            await self.process.wait()
        return self.process.returncode is not None

    def last_lines(self, count: int = 8) -> str:
        """The end of what the child wrote to its standard error."""
        return _last_lines(self.log, count)


@asynccontextmanager
async def child(module: str, settings: Mapping[str, Any], *, seconds: float) -> AsyncIterator[Child]:
    """Run `python -m module`, ready on entry within `seconds`, gone on exit; raises `ChildFailed`."""
    with tempfile.TemporaryFile("a+b") as log:
        process = await _spawn(module, log)
        try:
            ready = await _introduce(process, settings, seconds, log)
            yield Child(process, ready, log)
        finally:
            with anyio.CancelScope(shield=True):
                await _end(process)


async def _spawn(module: str, log: IO[bytes]) -> Process:
    """Start it in its own session: Ctrl-C and a closing terminal reach us alone, and its requests can end.

    `-P`: no module comes from the current folder, where a `json.py` of somebody else may lie.
    """
    path = os.pathsep.join(filter(None, (ROOT, os.environ.get("PYTHONPATH", ""))))
    return await anyio.open_process(
        [sys.executable, "-P", "-m", module],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=log,
        env={**os.environ, "PYTHONPATH": path},
        start_new_session=True,
    )


async def _introduce(
    process: Process, settings: Mapping[str, Any], seconds: float, log: IO[bytes]
) -> Mapping[str, Any]:
    assert process.stdin is not None  # noqa: S101 - both are pipes, see _spawn
    assert process.stdout is not None  # noqa: S101 - it was asked for as a pipe
    line = json.dumps({**settings, "parent": os.getpid()}).encode() + b"\n"
    try:
        with anyio.fail_after(seconds):
            await process.stdin.send(line)
            answer = await BufferedByteReceiveStream(process.stdout).receive_until(b"\n", 65536)
    except TimeoutError:
        raise ChildFailed(f"not ready after {seconds:g} s\n{_last_lines(log)}".strip()) from None
    except (anyio.BrokenResourceError, anyio.ClosedResourceError, anyio.IncompleteRead):
        with anyio.move_on_after(GRACE):
            await process.wait()
        raise ChildFailed(f"ended with code {process.returncode}\n{_last_lines(log)}".strip()) from None
    ready: Mapping[str, Any] = json.loads(answer)
    return ready


async def _end(process: Process) -> None:
    if process.returncode is None:
        process.terminate()
        with anyio.move_on_after(GRACE):
            await process.wait()
    if process.returncode is None:
        process.kill()
    await process.aclose()


def _last_lines(log: IO[bytes], count: int = 8) -> str:
    """The last lines of the log. It is open for appending, so reading does not move the child's position."""
    size = log.seek(0, os.SEEK_END)
    log.seek(max(0, size - 16384))
    return "\n".join(log.read().decode(errors="replace").splitlines()[-count:])


def end_with_parent(
    sign: signal.Signals = signal.SIGKILL, end: Callable[[], object] = lambda: os._exit(0)
) -> dict[str, Any]:
    """In the child, first of all: read the settings, and from now on end when the parent does.

    Linux sends `sign` when the parent's thread ends; everywhere `end` is called at the end of standard input.
    """
    settings = settings_of(sys.stdin.buffer.readline(), sign)
    threading.Thread(target=_await_end_of_input, args=(end,), daemon=True).start()
    return settings


def settings_of(line: bytes, sign: signal.Signals = signal.SIGKILL) -> dict[str, Any]:
    """In the child: the settings in the line; Linux ends it with its parent from now on."""
    if not line.strip():
        os._exit(1)
    settings: dict[str, Any] = json.loads(line)
    end_with(settings["parent"], sign)
    return settings


def end_with(parent: int, sign: signal.Signals = signal.SIGKILL) -> None:
    """Have Linux end this process when its parent ends, or end it where that has happened already."""
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, sign, 0, 0, 0)
        if os.getppid() != parent:
            os._exit(1)


def _await_end_of_input(end: Callable[[], object]) -> None:
    """Read unbuffered: the interpreter cannot shut down while a thread holds the buffer's lock."""
    while os.read(sys.stdin.fileno(), 4096):
        pass
    end()
