"""Templates of an untrusted job, read and rendered in a process of their own.

That process (`isolated_worker.py`) has no environment, no files but its two pipes and little memory, and
is ended when one rendering takes too long; a new one is started for the next. Whatever it sends back is used
only as plain text and numbers.
This module does not know jobs, nor what a template may do.
"""

from __future__ import annotations

import json
import os
import pickle
import select
import signal
import subprocess
import sys
import time
import weakref
from collections.abc import Iterator, Mapping
from datetime import datetime, timezone
from io import BytesIO
from threading import Lock
from typing import Any

from pipeline.core.errors import RunStopped
from pipeline.templates.compiled import Malformed, Unfit
from pipeline.templates.sandbox import LONGEST

CPU_SECONDS = 2.0
"""the most seconds for one rendering"""
WALL_SECONDS = 20.0
"""the same by the clock: the machine may be busy with other things"""
START_SECONDS = 60.0
LARGEST_REPLY = 8 * LONGEST
_BOOT = """\
import json, sys
sys.path[:] = json.loads(sys.argv[1])
from pipeline.templates.isolated_worker import main
main(float(sys.argv[2]))
"""


class _Lost(Exception):
    """The process has ended, or was ended; the message says why."""


class _Late(_Lost):
    """The process did not answer in time."""


class _Killed(_Lost):
    """Something outside of this program ended the process."""


class Worker:
    """The process: started when it is first needed, and again after it was ended. Thread-safe."""

    def __init__(self, seconds: float = CPU_SECONDS) -> None:
        self._seconds = seconds
        self._process: subprocess.Popen[bytes] | None = None
        self._end: weakref.finalize[Any, Worker] | None = None
        self._lock = Lock()

    def prepare(self, text: str) -> Isolated:
        """A template, read by the process; `Malformed` where it is no template."""
        try:
            return Isolated(self, text, self.ask(b"p", pickle.dumps(text)))
        except (_Lost, Unfit) as error:
            raise Malformed(f"it cannot be read: {error}") from None

    def ask(self, verb: bytes, payload: bytes) -> Any:
        """What the process answers; raises `Malformed` or `Unfit` as it says, and `_Lost`."""
        with self._lock:
            try:
                kind, answer = self._asked(verb + payload)
            except _Killed:  # for example because the machine lacks memory: not this template's fault
                kind, answer = self._asked(verb + payload)
        if kind == "malformed":
            raise Malformed(*answer)
        if kind == "unfit":
            raise Unfit(*answer)
        return answer

    def _asked(self, message: bytes) -> tuple[str, Any]:
        process = self._process = self._running()
        try:
            _send(process, message, WALL_SECONDS)
            return _parsed(_receive(process, WALL_SECONDS))
        except (_Lost, OSError, ValueError) as error:
            self._process = None
            assert self._end is not None  # noqa: S101 - made with the process
            self._end()
            killed = process.returncode == -signal.SIGKILL and not isinstance(error, _Late)
            raise (_Killed if killed else _Lost)(self._said(process, error)) from None

    def _running(self) -> subprocess.Popen[bytes]:
        if self._process is not None and self._process.poll() is None:
            return self._process
        process = subprocess.Popen(  # noqa: S603 - our own interpreter with our own words
            [sys.executable, "-I", "-c", _BOOT, json.dumps(sys.path), str(self._seconds)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env={},
            cwd="/",
            bufsize=0,
            start_new_session=True,
        )
        self._end = weakref.finalize(self, _end, process)
        for pipe in (process.stdin, process.stdout):
            assert pipe is not None  # noqa: S101 - both are pipes, see above
            os.set_blocking(pipe.fileno(), False)
        try:
            _receive(process, START_SECONDS)  # it says that it is ready
        except (_Lost, OSError):
            self._end()
            what = "the separate process that renders templates does not start"
            raise RunStopped(what, hint=f"it ended with code {process.returncode}") from None
        return process

    def _said(self, process: subprocess.Popen[bytes], error: Exception) -> str:
        """How the process ended, in words."""
        if process.returncode == -signal.SIGPROF:
            return f"not rendered within {self._seconds:g} s of processor time"
        return str(error) if isinstance(error, _Lost) else "it took too much time or memory"


class Isolated:
    """A template of the worker."""

    def __init__(self, worker: Worker, text: str, read: Mapping[str, Any]) -> None:
        self._worker, self._text = worker, text
        self.names = frozenset(map(str, read["names"]))
        """the names it takes from its values"""
        self._uses = [(str(name), str(field), int(line), int(at)) for name, field, line, at in read["uses"]]

    def uses(self) -> Iterator[tuple[str, str, int, int]]:
        return iter(self._uses)

    def render(self, values: Mapping[str, Any]) -> str:
        """The text for these values; `Unfit` where there is none, whatever the reason."""
        try:
            read = {name: value for name, value in values.items() if name in self.names}
            return str(self._worker.ask(b"r", _packed((self._text, read))))
        except _Lost as error:
            raise Unfit(str(error)) from None


class _Pickler(pickle.Pickler):
    """Times keep their offset and lose their zone: its rules are in files that the process cannot read."""

    def reducer_override(self, value: Any) -> Any:
        if isinstance(value, datetime) and value.tzinfo is not None:
            offset = value.utcoffset()
            if offset is not None and not isinstance(value.tzinfo, timezone):
                return value.replace(tzinfo=timezone(offset), fold=0).__reduce_ex__(4)
        return NotImplemented


def _packed(value: Any) -> bytes:
    stream = BytesIO()
    _Pickler(stream, 4).dump(value)
    return stream.getvalue()


def _parsed(reply: bytes) -> tuple[str, Any]:
    """(kind, answer) of a reply: "ok" and a text or what was read, or what is wrong and its place."""
    if reply[:1] == b"t":
        return "ok", reply[1:].decode("utf-8", "surrogatepass")
    kind, answer = json.loads(reply[1:])
    if kind == "malformed":
        message, line, column, hint = answer
        return kind, (str(message), int(line), int(column), str(hint))
    if kind == "unfit":
        message, line = answer
        return kind, (str(message), int(line))
    return "ok", answer


def _send(process: subprocess.Popen[bytes], payload: bytes, seconds: float) -> None:
    assert process.stdin is not None  # noqa: S101 - a pipe
    rest, end = memoryview(len(payload).to_bytes(4, "big") + payload), time.monotonic() + seconds
    while rest:
        _await(process.stdin.fileno(), select.POLLOUT, end)
        rest = rest[os.write(process.stdin.fileno(), rest) :]


def _receive(process: subprocess.Popen[bytes], seconds: float) -> bytes:
    assert process.stdout is not None  # noqa: S101 - a pipe
    end = time.monotonic() + seconds
    size = int.from_bytes(_read(process.stdout.fileno(), 4, end), "big")
    if not 0 < size <= LARGEST_REPLY:
        raise _Lost("it answered with too much")
    return _read(process.stdout.fileno(), size, end)


def _read(descriptor: int, size: int, end: float) -> bytes:
    pieces, missing = [], size
    while missing:
        _await(descriptor, select.POLLIN, end)
        piece = os.read(descriptor, min(missing, 1 << 20))
        if not piece:
            raise _Lost("it took too much time or memory")
        pieces.append(piece)
        missing -= len(piece)
    return b"".join(pieces)


def _await(descriptor: int, event: int, end: float) -> None:
    poll = select.poll()
    poll.register(descriptor, event)
    if not poll.poll(max(0.0, end - time.monotonic()) * 1000):
        raise _Late(f"not rendered within {WALL_SECONDS:g} s")


def _end(process: subprocess.Popen[bytes]) -> None:
    for pipe in (process.stdin, process.stdout):
        if pipe is not None and not pipe.closed:
            pipe.close()
    try:
        process.wait(0.2)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
