"""Commands to a live run from another terminal: one line of JSON there, one back, over the run's socket.

The wire is `{"verb": "set", "arguments": [path, value, ...]}`, and `{"answer": {...}}` or `{"error": "..."}`.
This module does not know what a command does to a run.
"""

from __future__ import annotations

import json
import shlex
import socket
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from os import fsdecode
from pathlib import Path
from typing import Any

from pipeline.core.errors import JobError
from pipeline.system.lock import holder

SOCKET = "control.sock"
POINTER = "control.path"
VERBS = {
    "pause": "send nothing new until `resume`; requests under way are completed",
    "resume": "go on after `pause`",
    "stop": "end the run as Ctrl-C does; the same command goes on later",
    "cancel": "end the batches that are under way; what they have answered is kept, and the run ends then",
    "set": "change a setting of the live run: set models.writer.limits.rpm=900",
    "status": "say how the run stands",
}
LONGEST_LINE = 64 * 1024
TIMEOUT = 10.0  # seconds that a command waits for the run's answer
PAUSE = 0.05


def command(folder: Path, verb: str, *arguments: str, file: Path | None = None) -> dict[str, Any]:
    """Send a command to the live run of this folder and wait for the answer, 10 seconds at most.

    `file` is the job's file, for the hint where no run is alive.
    Gives the run's status, or `{"said": lines}`. Raises `JobError` where the command is wrong, where the
    run refuses it, and where no run is alive.
    """
    line = request_line(verb, arguments)
    deadline = time.monotonic() + TIMEOUT
    try:
        with _connected(folder, deadline, file) as connection:
            answer = _asked(connection, line, deadline)
    except (OSError, ValueError) as error:
        raise _silent(folder, error) from None
    if "answer" not in answer:
        raise JobError(str(answer.get("error", "the run gave no answer")))
    result: dict[str, Any] = answer["answer"]
    return result


def request_line(verb: str, arguments: Iterable[str] = ()) -> bytes:
    """The request for a command (only `set` takes arguments, KEY=VALUE); `JobError` where it is none."""
    given = list(arguments)
    if verb not in VERBS:
        raise JobError(f"unknown command '{verb}'", hint=f"known: {', '.join(VERBS)}")
    if verb == "set":
        pairs = [one.partition("=") for one in given]
        if not pairs or not all(path.strip() and equals for path, equals, _ in pairs):
            raise JobError("set takes KEY=VALUE", hint="for example: set models.writer.limits.rpm=900")
        given = [word.strip() for path, _, value in pairs for word in (path, value)]
    elif given:
        raise JobError(f"{verb} takes no arguments", hint=f"leave out: {' '.join(given)}")
    line = json.dumps({"verb": verb, "arguments": given}).encode()
    if len(line) > LONGEST_LINE:
        raise JobError(f"a command is at most {LONGEST_LINE:,} bytes long")
    return line + b"\n"


@contextmanager
def _connected(folder: Path, deadline: float, file: Path | None) -> Iterator[socket.socket]:
    """A connection to the live run. A run that has just begun, or is busy, is tried until `deadline`."""
    while True:
        with socket.socket(socket.AF_UNIX) as connection:
            connection.settimeout(_left(deadline))
            try:
                connection.connect(_address(folder))
            except (BlockingIOError, ConnectionRefusedError, FileNotFoundError):
                if not holder(folder):
                    hint = f"start it: pipeline run {shlex.quote(str(file or 'JOB'))}"
                    raise JobError("nobody runs this job now", where=str(folder), hint=hint) from None
            else:
                yield connection
                return
        time.sleep(min(PAUSE, _left(deadline)))


def _address(folder: Path) -> str:
    try:
        pointed = fsdecode((folder / POINTER).read_bytes())
    except OSError:
        pointed = ""
    return pointed or str(folder / SOCKET)


def _asked(connection: socket.socket, line: bytes, deadline: float) -> dict[str, Any]:
    """The run's answer to a request; a `ValueError` where there is none or it is cut off."""
    with suppress(BrokenPipeError):  # a run that refuses to read may have said why
        connection.sendall(line)
    answer = bytearray()
    while not answer.endswith(b"\n"):
        connection.settimeout(_left(deadline))
        block = connection.recv(LONGEST_LINE)
        if not block:
            break
        answer += block
    read = json.loads(answer)
    if not isinstance(read, dict):
        raise ValueError("it is no answer")
    return read


def _left(deadline: float) -> float:
    left = deadline - time.monotonic()
    if left <= 0:
        raise TimeoutError
    return left


def _silent(folder: Path, error: Exception) -> JobError:
    if isinstance(error, PermissionError):
        return JobError("the run belongs to somebody else", where=str(folder))
    who = holder(folder)
    hint = f"it is {who}; it may be hanging, or on another machine" if who else "it has just ended"
    return JobError("the run gives no answer", where=str(folder), hint=hint)
