"""A run that can be steered, without a run behind it, and clients that are well-behaved or not."""

from __future__ import annotations

import socket
import subprocess
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any

from anyio.to_thread import run_sync

from pipeline.core.errors import JobError
from pipeline.runs.control.client import SOCKET, command
from pipeline.runs.control.server import controlled
from pipeline.system.lock import locked
from tests.support import ROOT


class Wheel:
    """A run that notes what it is told."""

    def __init__(self) -> None:
        self.heard: list[str] = []

    def status(self) -> dict[str, Any]:
        return {"phase": "asking", "heard": len(self.heard), "file": Path("x"), "quoted": 'ä "\ud800"'}

    def pause(self) -> str:
        self.heard.append("pause")
        return "paused"

    def resume(self) -> str:
        self.heard.append("resume")
        return "going on"

    def stop(self) -> str:
        self.heard.append("stop")
        raise RuntimeError("a bug")

    def set(self, changes: Sequence[tuple[str, str]]) -> str:
        for path, value in changes:
            if path != "models.writer.limits.rpm":
                raise JobError("there is no such setting", where=path, hint="did you mean 'rpm'?")
            self.heard.append(f"{path}={value}")
        return "\n".join(f"{path} is {value} now" for path, value in changes)


@asynccontextmanager
async def steered(folder: Path) -> AsyncIterator[Wheel]:
    """A run in this folder, with its lock; nothing is to go wrong with its socket."""
    wheel, said = Wheel(), list[str]()
    with locked(folder):
        async with controlled(folder, wheel, said.append):
            yield wheel
    assert said == []


async def told(folder: Path, verb: str, *arguments: str) -> dict[str, Any]:
    """What the run answers to somebody in another thread."""
    return await run_sync(partial(command, folder, verb, *arguments))


def connected(folder: Path) -> socket.socket:
    """A bare client."""
    client = socket.socket(socket.AF_UNIX)
    client.settimeout(5)
    client.connect(str(folder / SOCKET))
    return client


def heard(client: socket.socket) -> bytes:
    """Everything that the run says until it hangs up."""
    whole = b""
    try:
        while block := client.recv(65_536):
            whole += block
    except ConnectionResetError:
        pass
    return whole


async def asked(folder: Path, data: bytes, *, end: bool = False) -> bytes:
    """What a bare client hears that sends this, and closes its own side or does not."""

    def ask() -> bytes:
        with connected(folder) as client:
            try:
                client.sendall(data)
                if end:
                    client.shutdown(socket.SHUT_WR)
            except OSError:
                pass
            return heard(client)

    return await run_sync(ask)


_RUN = """
import sys, anyio
from pathlib import Path
from pipeline.runs.control.server import controlled
from pipeline.system.lock import locked
class Steer:
    def status(self): return {}
async def main():
    with locked(Path(sys.argv[1])):
        async with controlled(Path(sys.argv[1]), Steer(), print):
            print("ready", flush=True)
            await anyio.sleep_forever()
anyio.run(main)
"""


def killed(folder: Path) -> None:
    """Start a run there and kill it."""
    process = subprocess.Popen(
        [sys.executable, "-c", _RUN, str(folder)],
        stdout=subprocess.PIPE,
        text=True,
        cwd=ROOT,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    process.kill()
    process.communicate(timeout=20)
