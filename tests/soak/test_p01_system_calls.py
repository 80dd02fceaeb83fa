"""kill -9 before every write and sync of a run: what was committed is there, and is not paid for again.

Runs are stopped by strace, which counts system calls, at each of the points that `points.py` finds.
"""

from __future__ import annotations

import shutil
import signal
from collections import Counter
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import anyio
import pytest

from pipeline.job.load import load
from pipeline.runs.run import run_async
from pipeline.testing import Ledger
from tests.support.journals import answered, spilled
from tests.support.points import TRACE, Point, calls, ended_at, kinds, needs_strace, points, traced
from tests.support.project import Project


def opening(trace: Path) -> int:
    """How often a run writes to its folder until it has its ballast: to open its journal."""
    thread, written = "", Counter[str]()
    for thread, what in calls(trace):
        written[thread] += what.startswith("pwrite64 ")
        if what.startswith("pwrite64 ") and what.endswith("/ballast"):
            break
    return written[thread]


def disk_full_after(number: int) -> tuple[str, ...]:
    """What makes strace fill up a disk once a thread has written so often."""
    return ("-e", f"inject=pwrite64:error=ENOSPC:when={number}+")


@dataclass(frozen=True)
class Scene:
    """A run that is stopped at each of its points, as it meets its folder and its disk."""

    rows: int
    concurrency: int
    full: bool = False
    """whether its disk fills up"""
    goes_on: bool = False
    """whether it finds what a run before it left behind, whose disk was full"""
    only: tuple[str, ...] = ("",)
    """what its points are about, where others have the rest"""
    faults: tuple[dict[str, Any], ...] = ()


REFUSALS = {"fault": "rate_limit", "first": 40, "retry_after_ms": 1}
"""Each refusal is a warning, and a warning is written at once.

strace stops at the first thread that has made so many calls of a kind, so the thread that writes the table
must have made the most; the threads of polars make some twenty on pipes of their own.
"""
SCENES = {
    "first": Scene(3, 1, faults=(REFUSALS,)),
    "wide": Scene(20, 8, only=("sqlite-wal", "write ")),
    "full": Scene(20, 4, full=True, only=("unlink", "mkdir", "sync", "ftruncate", "spill")),
    "next": Scene(20, 4, full=True, goes_on=True),
}


class Stage:
    """A scene's folder, and what was billed there, kept outside of it."""

    def __init__(self, folder: Path, scene: Scene) -> None:
        self.scene = scene
        self._before = folder / "before"
        self.ledger = folder / "ledger.jsonl"
        self.project = Project(folder / "job")
        self.project.folder.mkdir()
        self.result = self.project.folder / "output/shop/posts.csv"
        self.journal = self.result.with_name("journal.sqlite")
        self.trace = self.project.folder / "trace"
        self.had: set[str] = set()
        self.full: tuple[str, ...] = ()
        options: dict[str, Any] = {"latency": 0.02, "ledger": str(self.ledger)}
        options |= {"tokens": 200 if scene.full else 20, "faults": list(scene.faults)}
        limits = {"concurrency": scene.concurrency, "outage": 60 if scene.faults else 5}
        writer = {"provider": "scripted", "model": "m", "options": options, "limits": limits}
        self.project.job(records=Project.numbered(scene.rows), models={"writer": writer})
        if scene.full:
            assert traced(self.project, *TRACE).returncode == 0
            self.full = disk_full_after(opening(self.trace) + 2)
            self.set()
        if scene.goes_on:
            assert traced(self.project, *TRACE, *self.full).returncode == 74
            self.had = self.kept()
            assert spilled(self.journal)
            shutil.copytree(self.project.folder, self._before / "job")
            shutil.copyfile(self.ledger, self._before / "ledger.jsonl")

    def set(self) -> None:
        """Put everything where it was."""
        shutil.rmtree(self.project.folder / "output", ignore_errors=True)
        self.ledger.unlink(missing_ok=True)
        if self._before.exists():
            shutil.copytree(self._before / "job/output", self.project.folder / "output")
            shutil.copyfile(self._before / "ledger.jsonl", self.ledger)

    def run(self, *options: str, watched: bool = False) -> int:
        """The real command under strace; its exit code."""
        self.set()
        harm = (*self.full, *(("-P", f"{self.journal}-wal") if watched else ())) if self.failing else ()
        return traced(self.project, *TRACE, *harm, *options).returncode

    def kept(self) -> set[str]:
        """The digests of the answers that are kept, wherever they are."""
        return answered(self.journal) | spilled(self.journal)

    @property
    def failing(self) -> bool:
        return self.scene.full and not self.scene.goes_on

    def finish(self) -> bytes:
        """Run to the end with the disk mended; the result."""
        anyio.run(partial(run_async, load(self.project.folder / "job.yaml")))
        return self.result.read_bytes()

    def points(self) -> list[Point]:
        """Where a run can be stopped. With a full disk: from there on."""
        assert self.run() == (74 if self.failing else 0)
        found = points(self.trace, self.project.folder)
        if self.failing:
            first = next(i for i, point in enumerate(found) if point.what.endswith("ballast") and i > 0)
            found = [point for point in found[first:] if point.call != "pwrite64"]
        return [point for point in found if any(word in point.what for word in self.scene.only)]


PARTS = [("first", 0, 3), ("first", 1, 3), ("first", 2, 3), ("wide", 0, 2), ("wide", 1, 2), ("full", 0, 1)]
PARTS += [("next", 0, 3), ("next", 1, 3), ("next", 2, 3)]
"""every so many points of a scene are one test, so that all cores have some"""


@needs_strace
@pytest.mark.parametrize(("name", "part", "parts"), PARTS)
def test_p01_kill_9_before_every_write_and_sync(name: str, part: int, parts: int, tmp_path: Path) -> None:
    stage = Stage(tmp_path, SCENES[name])
    ends = stage.points()
    expected = stage.finish()
    killed = [point for point in ends[part::parts] if killed_at(stage, point, expected)]
    # which replies are committed together is up to the clock, and so is how often it is written
    assert len(killed) >= 2 / 3 * len(ends[part::parts]), f"killed at {killed} only"


@needs_strace
def test_all_that_a_run_does_to_its_files_is_a_point_of_the_sweep(tmp_path: Path) -> None:
    done, ends = set(), set()
    for name, scene in SCENES.items():
        (tmp_path / name).mkdir()
        stage = Stage(tmp_path / name, scene)
        ends |= {point.what.replace(name, "") for point in stage.points()}
        done |= {kind.replace(name, "") for kind in kinds(stage.trace, stage.project.folder)}
    # before a spilled row is written its file is empty: nothing can be told of it beforehand
    assert {what.rpartition("/shop/")[2] for what in done - ends} == {"spill/"}


def killed_at(stage: Stage, point: Point, expected: bytes) -> bool:
    """Kill a run there, let the next one finish, and hold both to the ledger; False if it was not there."""
    code = stage.run(*point.options(), watched=bool(point.path))
    there = code == -signal.SIGKILL and point.what in ended_at(stage.trace)
    kept = stage.kept()
    assert stage.had <= kept, f"{point}: what a run before it had kept is lost"
    assert stage.finish() == expected, point
    ledger = Ledger.read(stage.ledger)
    twice = {digest for digest, times in ledger.paid.items() if times > 1}
    assert not twice & kept, f"{point}: what was committed was paid for again"
    assert ledger.overpaid <= stage.scene.concurrency, f"{point}: paid twice for {ledger.overpaid}"
    assert len(ledger.paid) == stage.scene.rows, point
    return there
