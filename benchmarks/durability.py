"""What it costs that every reply is on the disk before its slot is free.

The journal alone: 256 callers record replies of 1 KB, each the next one as soon as the last is on the
disk. Beside it, on the same disk, plain SQLite with one commit a reply. Then whole runs, 2,000 rows with
256 in flight at a server that answers after 100 ms, beside the same runs with syncing off, in turn.
"""

from __future__ import annotations

import asyncio
import shutil
import sqlite3
import tempfile
import time
from pathlib import Path

from benchmarks.workload import CORES, SERVER_CORE, figure, job, machine, measured, median, note, pin
from pipeline.core.domain import Reply, Request
from pipeline.journal.journal import Journal
from pipeline.testing import Script, serve

CALLERS, REPLIES, SINGLE = 256, 20_000, 500
BODY = b"x" * 1000
LEAST_RATE = 2_000
ROWS, CHARACTERS, RUNS, LEAST_SHARE = 2000, 2000, 5, 0.95


def main() -> None:
    """Measure both, print rates, the size of a group and commits per second."""
    with tempfile.TemporaryDirectory() as name:
        single = SINGLE / _one_by_one(Path(name) / "single.sqlite")
        seconds, groups = asyncio.run(_grouped(Path(name) / "journal.sqlite"))
    rate = REPLIES / seconds
    note("durability", f"plain SQLite, one commit a reply: {single:,.0f} replies/s")
    group = f"{REPLIES / groups:.0f} replies a commit, {groups / seconds:.0f} commits/s"
    note("durability", f"the journal, {CALLERS} in flight: {group}, {rate / single:.1f} times that")
    figure("durability", "replies/s on the disk", f"{rate:,.0f}", f">= {LEAST_RATE:,}", rate >= LEAST_RATE)
    ratios = _whole_runs()
    what = f"throughput, times that unsynced ({min(ratios):.2f} to {max(ratios):.2f})"
    figure("durability", what, f"{median(ratios):.2f}", f">= {LEAST_SHARE}", median(ratios) >= LEAST_SHARE)


def _whole_runs() -> list[float]:
    """The throughput of whole runs, each divided by that of the next one with syncing off."""
    ratios = []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        file = job(folder, ROWS, CHARACTERS, CALLERS)
        pin(SERVER_CORE)  # the server inherits it
        with serve(Script(latency=0.1)) as server:
            for _ in range(RUNS):
                walls = []
                for module in ("benchmarks.ours", "benchmarks.unsynced"):
                    shutil.rmtree(folder / "output", ignore_errors=True)
                    walls.append(
                        measured(module, str(file), f"models.writer.base_url={server.base_url}")["wall"]
                    )
                ratios.append(walls[1] / walls[0])
        pin(*CORES)
    return ratios


def _one_by_one(path: Path) -> float:
    """Seconds for `SINGLE` replies, each in a commit of its own."""
    connection = sqlite3.connect(path, isolation_level=None)
    connection.executescript(
        "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; CREATE TABLE replies (digest BLOB, body BLOB);"
    )
    began = time.monotonic()
    for n in range(SINGLE):
        connection.execute("INSERT INTO replies VALUES (?, ?)", (b"%032d" % n, BODY))
    seconds = time.monotonic() - began
    connection.close()
    return seconds


async def _grouped(path: Path) -> tuple[float, int]:
    """(seconds, commits) for `REPLIES` replies by `CALLERS` callers."""
    journal = Journal.open(path)
    groups = _Groups()
    numbers = iter(range(REPLIES))

    async def call() -> None:
        for n in numbers:
            await journal.record(Request("chat", "m", b"%d" % n), Reply("chat", BODY))
            groups.one_more()

    began = time.monotonic()
    await asyncio.gather(*(call() for _ in range(CALLERS)))
    seconds = time.monotonic() - began
    journal.close()
    return seconds, groups.count


class _Groups:
    """How many commits there were: all callers of one commit go on in one turn of the event loop."""

    def __init__(self) -> None:
        self.count = 0
        self._turn_is_counted = False

    def one_more(self) -> None:
        if not self._turn_is_counted:
            self.count += 1
            self._turn_is_counted = True
            asyncio.get_running_loop().call_soon(self._end_of_turn)

    def _end_of_turn(self) -> None:
        self._turn_is_counted = False


if __name__ == "__main__":
    main()
    note("durability", machine())
