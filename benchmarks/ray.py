"""Three nodes of a Ray cluster on this machine beside one process: rows a second while they ask.

The job writes a text of a thousand words for each row, and checks it. Its model answers in the process that
asks, after 50 ms, so that its CPU counts on both sides. All is measured from the journal's first answer to
its last: Ray takes some ten seconds to start, and the table is written by one process on both sides. They
have the same cores, and take turns.

On a machine that is not quiet, the ratio of the clock says little. So the CPU is given, too: on two cores, a
run can be no faster than its owner alone, nor than half of what all its processes need.
"""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
import tempfile
import time
from contextlib import closing, suppress
from dataclasses import dataclass, field
from pathlib import Path
from threading import Event, Thread

import pytest

from benchmarks.workload import ROOT, figure, job, median, note, used
from tests.support.clusters import nodes

ROWS, CHARACTERS, IN_FLIGHT, RUNS = 8000, 2000, 256, 3
LEAST_TIMES = 1.6
CHECKS = "checks: {length: {unit: words, min: 100}, language: en, repetition: {phrases: 0.9}, refusal: true}"
KINDS = {"owner": b"pipeline\0run", "worker": b"ray::Actor"}
"""the processes that count, by a part of their command lines"""
_TICK = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True)
class _Run:
    """Rows a second, and the CPU of the owner and of the workers for each, in µs."""

    rate: float
    owner: float
    workers: float

    @property
    def most(self) -> float:
        """Rows a second that this CPU allows on two cores; one process has one of them."""
        return 1e6 / max(self.owner, (self.owner + self.workers) / 2)


@dataclass
class _Watched:
    """The CPU of processes as time goes by, in ticks."""

    seen: list[tuple[float, dict[tuple[str, int], int]]] = field(default_factory=list)
    over: Event = field(default_factory=Event)

    def watch(self) -> None:
        while not self.over.wait(0.1):
            self.seen.append((time.time(), dict(_ticks())))

    def used(self, kind: str, since: float, until: float) -> float:
        """Seconds that all processes of a kind have used in this time."""
        spans: dict[int, list[int]] = {}
        for at, found in self.seen:
            for (what, pid), ticks in found.items():
                if what == kind and since <= at <= until:
                    spans.setdefault(pid, []).append(ticks)
        return sum(ticks[-1] - ticks[0] for ticks in spans.values()) / _TICK


def main() -> None:
    """Measure in turn; print the medians, and the median of the ratios."""
    with tempfile.TemporaryDirectory() as name:
        try:
            pairs = _pairs(Path(name))
        except pytest.skip.Exception as why:
            note("ray", str(why))
            return
    for label, runs in zip(("one process", "three nodes"), zip(*pairs, strict=True), strict=True):
        rate, owner = median([run.rate for run in runs]), median([run.owner for run in runs])
        workers = median([run.workers for run in runs])
        note("ray", f"{label} {rate:7,.0f} rows/s  {owner:5,.0f} µs CPU/row, and {workers:5,.0f} in workers")
    times = [many.rate / one.rate for one, many in pairs]
    what = f"rows/s, times one process ({min(times):.2f} to {max(times):.2f})"
    figure("ray", what, f"{median(times):.2f}", f">= {LEAST_TIMES}", median(times) >= LEAST_TIMES)
    most = median([many.most / one.most for one, many in pairs])
    note("ray", f"by the CPU alone, {most:.2f} times one process")


def _pairs(folder: Path) -> list[tuple[_Run, _Run]]:
    with nodes(folder) as cluster:
        os.environ["PYTHONPATH"] = cluster.path
        engine = f"engine: {{kind: ray, address: '{cluster.address}', workers: 3}}\n"
        return [(_run(folder, ""), _run(folder, engine)) for _ in range(RUNS)]


def _run(folder: Path, engine: str) -> _Run:
    file, watched = checked_job(folder, ROWS, engine), _Watched()
    thread = Thread(target=watched.watch)
    thread.start()
    try:
        used("-m", "pipeline", "run", str(file))
    finally:
        watched.over.set()
        thread.join()
    journal = next((folder / "output").glob("*/journal.sqlite"))
    with closing(sqlite3.connect(journal)) as connection:
        count, first, last = connection.execute("SELECT count(*), min(at), max(at) FROM attempts").fetchone()
    shutil.rmtree(folder / "output")
    assert count == ROWS
    owner, workers = (watched.used(kind, first, last) / ROWS * 1e6 for kind in KINDS)
    return _Run((count - 1) / (last - first), owner, workers)


def checked_job(folder: Path, rows: int, engine: str = "") -> Path:
    """A job with checks, and with an answer that is long enough for them."""
    file = job(folder, rows, CHARACTERS, IN_FLIGHT, provider="scripted")
    prose = (ROOT / "DESIGN.md").read_text()[:6000]
    options = f"options: {{latency: 0.05, answer: {json.dumps(prose)}}}"
    text = file.read_text().replace("limits:", f"{options}, limits:")
    text = text.replace('{{ text }}"}', f'{{{{ text }}}}", {CHECKS}}}').replace(
        "\noutput:", f"\n{engine}output:"
    )
    file.write_text(text)
    return file


def _ticks() -> list[tuple[tuple[str, int], int]]:
    """The processes that count, and what they have used."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            line = (folder / "cmdline").read_bytes()
            for kind, part in KINDS.items():
                if part in line:
                    parts = (folder / "stat").read_text().rpartition(")")[2].split()
                    found.append(((kind, int(folder.name)), int(parts[11]) + int(parts[12])))
    return found
