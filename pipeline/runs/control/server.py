"""The live control: a running job takes commands over a Unix socket in its folder, from its owner alone.

One connection, one request, one answer, each a line of JSON: `{"verb": "set", "arguments": [path, value]}`,
or several such pairs, and `{"answer": {...}}` or `{"error": "..."}`. A client that sends nonsense, too much
or nothing delays neither the run nor other clients. Where the folder cannot hold a socket (its path is too
long, or its disk cannot), the socket lies in a fresh private folder and `control.path` says where.
This module does not know what a command does to a run.
"""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import socket
import struct
import sys
import tempfile
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import ExitStack, asynccontextmanager, contextmanager, suppress
from pathlib import Path
from typing import Any, Protocol

import anyio
import orjson

from pipeline.core.errors import JobError, PipelineError
from pipeline.runs.control.client import LONGEST_LINE, POINTER, SOCKET, VERBS

PATIENCE = 2.0  # seconds that a client is given for its request and its answer
CLIENTS = 64  # clients that are served at once, so that a flood of them leaves the run its file descriptors
BACKLOG = 256
PAUSE = 0.05


class Steer(Protocol):
    """The commands that a live run takes. The texts are for the user; a `PipelineError` refuses."""

    def status(self) -> dict[str, Any]:
        """The state of the run, as JSON can hold it."""

    def pause(self) -> str:
        """Send nothing new."""

    def resume(self) -> str:
        """Send again."""

    def stop(self) -> str:
        """End the run in order: what is sent is answered and kept."""

    def cancel(self) -> str:
        """End the batches that are under way."""

    def set(self, changes: Sequence[tuple[str, str]]) -> str:
        """Change settings, all or none: path "models.writer.limits.rpm", value as it was typed."""


@asynccontextmanager
async def controlled(folder: Path, steer: Steer, say: Callable[[str], None]) -> AsyncIterator[None]:
    """Take commands until the context ends. `folder` is the run's, and the run holds its lock.

    Where no socket can be made, `say` is told so and the run goes on without one.
    """
    with ExitStack() as stack:
        servers = []
        try:
            listener = stack.enter_context(_listening(folder))
            servers.append(asyncio.create_task(_serve(listener, steer)))
        except OSError as error:
            say(f"this run cannot receive commands from other terminals: {error.strerror or error}")
        try:
            yield
        finally:
            for server in servers:
                server.cancel()
                with anyio.CancelScope(shield=True):
                    await asyncio.wait([server])


@contextmanager
def _listening(folder: Path) -> Iterator[socket.socket]:
    """A socket that listens and that its owner alone can reach; an `OSError` where there can be none."""
    _clear(folder)  # what a killed run left behind
    with ExitStack() as stack:
        stack.callback(_clear, folder)
        try:
            listener = stack.enter_context(_bound_in(folder))
        except OSError:
            listener = stack.enter_context(_bound_elsewhere(folder))
        listener.setblocking(False)
        yield listener


def _clear(folder: Path) -> None:
    for name in (SOCKET, POINTER):
        with suppress(OSError):
            (folder / name).unlink()


@contextmanager
def _bound_in(folder: Path) -> Iterator[socket.socket]:
    """A socket in the folder: made in a private folder and moved, so it is never open to others."""
    room = Path(tempfile.mkdtemp(prefix=".", dir=folder))
    with socket.socket(socket.AF_UNIX) as listener:
        try:
            _bind(listener, room / "s")
            (room / "s").replace(folder / SOCKET)
        finally:
            shutil.rmtree(room, ignore_errors=True)
        yield listener


@contextmanager
def _bound_elsewhere(folder: Path) -> Iterator[socket.socket]:
    """A socket in a private folder of its own, and a file that says where."""
    room = Path(tempfile.mkdtemp(prefix="pipeline-"))
    try:
        with socket.socket(socket.AF_UNIX) as listener:
            _bind(listener, room / SOCKET)
            pointer = os.open(folder / POINTER, os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_CLOEXEC, 0o600)
            with open(pointer, "wb") as file:  # noqa: PTH123 - a descriptor that was opened for its rights
                file.write(os.fsencode(room / SOCKET))
            yield listener
    finally:
        shutil.rmtree(room, ignore_errors=True)


def _bind(listener: socket.socket, path: Path) -> None:
    listener.bind(str(path))
    path.chmod(0o600)
    listener.listen(BACKLOG)


async def _serve(listener: socket.socket, steer: Steer) -> None:
    seats = anyio.Semaphore(CLIENTS)
    async with anyio.create_task_group() as clients:
        while True:
            await seats.acquire()
            clients.start_soon(_attend, await _accepted(listener), steer, seats)


async def _accepted(listener: socket.socket) -> socket.socket:
    while True:
        try:
            connection, _ = await asyncio.get_running_loop().sock_accept(listener)
        except OSError:  # the process has no file descriptor left, or the client has gone
            await anyio.sleep(PAUSE)
        else:
            return connection


async def _attend(connection: socket.socket, steer: Steer, seats: anyio.Semaphore) -> None:
    """One client, from its request to its answer."""
    try:
        with connection, suppress(OSError), anyio.move_on_after(PATIENCE):
            line = await _line(connection) if _trusted(connection) else b""
            if line:
                await asyncio.get_running_loop().sock_sendall(connection, _answer(line, steer))
    finally:
        seats.release()


def _trusted(connection: socket.socket) -> bool:
    """Whether the client is the owner, or root; elsewhere than on Linux the file's rights must do."""
    if sys.platform != "linux":
        return True
    peer = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("iII"))
    _, user, _ = struct.unpack("iII", peer)
    return user in (0, os.geteuid())


async def _line(connection: socket.socket) -> bytes:
    """What a client sends, up to the end of its line; longer than `LONGEST_LINE` where the line is."""
    loop = asyncio.get_running_loop()
    line = bytearray()
    while b"\n" not in line and len(line) <= LONGEST_LINE:
        block = await loop.sock_recv(connection, LONGEST_LINE)
        if not block:
            break
        line += block
    return bytes(line.partition(b"\n")[0])


def _answer(line: bytes, steer: Steer) -> bytes:
    """The answer to a request: an error where the request is wrong or the run fails to do it."""
    try:
        text = json.dumps({"answer": _obey(line, steer)}, default=str)
    except PipelineError as error:
        text = json.dumps({"error": str(error)})
    except Exception as error:  # a client must not bring the run down
        text = json.dumps({"error": f"the run could not do that: {type(error).__name__}"})
    return text.encode() + b"\n"


def _obey(line: bytes, steer: Steer) -> dict[str, Any]:
    verb, arguments = _read(line)
    match verb, arguments:
        case "status", []:
            return steer.status()
        case "pause", []:
            return {"said": steer.pause()}
        case "resume", []:
            return {"said": steer.resume()}
        case "stop", []:
            return {"said": steer.stop()}
        case "cancel", []:
            return {"said": steer.cancel()}
        case "set", [_, _, *_] if len(arguments) % 2 == 0:
            return {"said": steer.set(list(zip(arguments[::2], arguments[1::2], strict=True)))}
    raise JobError("the run knows no such command", hint=f"it knows: {', '.join(VERBS)}")


def _read(line: bytes) -> tuple[str, list[str]]:
    if len(line) > LONGEST_LINE:
        raise JobError(f"a command is at most {LONGEST_LINE:,} bytes long")
    try:
        request = orjson.loads(line)
    except orjson.JSONDecodeError:
        request = None
    match request:
        case {"verb": str(verb), "arguments": [*arguments]} if all(isinstance(a, str) for a in arguments):
            return verb, arguments
    raise JobError("a command is one line of JSON: a verb, and arguments that are texts")
