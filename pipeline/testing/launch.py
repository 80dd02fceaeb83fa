"""A fake model as a server in its own process, for tests.

    with serve(Script(latency=0.1)) as server:
        ...                                  # talk to server.base_url
        assert server.ledger().billed == 20

This module does not know HTTP: the process is `python -m pipeline.testing`.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from pipeline.testing.ledger import Account, Ledger
from pipeline.testing.script import Script

GRACE_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class Server:
    """A running server: where it is, its process id, and the file of its ledger."""

    base_url: str
    pid: int
    ledger_path: Path

    def ledger(self) -> Account:
        """What was billed and refused so far; right also after a client was killed."""
        return Ledger.read(self.ledger_path)


@contextmanager
def serve(
    script: Script | None = None, *, ledger: Path | None = None, state: Path | None = None
) -> Iterator[Server]:
    """A server that is ready on entry and gone on exit, or when this process ends, however that happens.

    `ledger` is the file the ledger is appended to; by default a temporary one that goes with the server.
    `state` is the folder of its files and batches, which another server can go on with; by default in memory.
    Raises RuntimeError with what the server said where it does not start.
    """
    with tempfile.TemporaryDirectory(prefix="scripted-") as folder:
        play = Path(folder) / "script.json"
        play.write_text((script or Script()).model_dump_json(exclude_none=True), "utf-8")
        path = ledger or Path(folder) / "ledger.jsonl"
        process = _start(play, path, ("--state", str(state)) if state else ())
        try:
            yield Server(_first_line(process), process.pid, path)
        finally:
            _end(process)


def _start(play: Path, ledger: Path, more: tuple[str, ...]) -> subprocess.Popen[str]:
    root = str(Path(__file__).resolve().parents[2])
    paths = os.pathsep.join(filter(None, (root, os.environ.get("PYTHONPATH", ""))))
    return subprocess.Popen(  # noqa: S603 - our own module, no shell
        [
            sys.executable,
            *("-m", "pipeline.testing", "--with-parent", "--script", str(play), "--ledger", str(ledger)),
            *more,
        ],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": paths},
        text=True,
        start_new_session=True,
    )


def _first_line(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None  # noqa: S101 - it is a pipe, see _start
    line = process.stdout.readline().strip()
    if not line:
        raise RuntimeError(f"the scripted server did not start (code {process.wait(GRACE_SECONDS)})")
    return line


def _end(process: subprocess.Popen[str]) -> None:
    process.terminate()
    try:
        process.wait(GRACE_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    for pipe in (process.stdin, process.stdout):
        if pipe is not None:
            pipe.close()
