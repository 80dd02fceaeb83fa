"""Fifty kills at random instants of a run over thirty documents in three languages; one at every write."""

from __future__ import annotations

import random
import shutil
import signal
from collections import defaultdict
from pathlib import Path

import pytest

from pipeline.testing import Latency, Script
from tests.support.killed_documents import JOURNAL, WIDTH, Bill, begin, beside, killed, right, tree
from tests.support.points import TRACE, Point, ended_at, needs_strace, points, traced
from tests.support.project import Project
from tests.support.translator import Seen, translator

DOCUMENTS, SENTENCES, KILLS = 30, 100, 50


def test_fifty_kills_change_nothing_and_cost_what_was_under_way(project: Project, tmp_path: Path) -> None:
    undisturbed = Project(tmp_path / "undisturbed")
    undisturbed.folder.mkdir()
    with translator() as (server, _):
        begin(undisturbed, server.base_url, DOCUMENTS, SENTENCES)
        assert undisturbed.run("run", "job.yaml").returncode == 0
    dice = random.Random(50)
    with translator(script=Script(latency=Latency(mean=0.4, jitter=0.2))) as (server, seen):
        begin(project, server.base_url, DOCUMENTS, SENTENCES)
        bill, there = Bill(seen), 0
        for _ in range(KILLS):
            there += killed(project, server, seen, dice, work=0.4)
            bill.killed(project.folder / JOURNAL)
        done = project.run("run", "job.yaml")
        assert done.returncode == 0, done.stderr
        bill.killed(project.folder / JOURNAL)
    assert tree(project) == tree(undisturbed) == right(project, DOCUMENTS, SENTENCES)
    assert beside(project) == beside(undisturbed)
    assert max(bill.lost) <= WIDTH, f"requests that were lost, by kill: {bill.lost}"
    assert bill.lost.pop() == 0 and sum(map(bool, bill.lost)) >= KILLS // 3, "too few kills have met work"
    assert there == KILLS, f"only {there} runs were there to be killed"


@needs_strace
@pytest.mark.parametrize("part", range(4))
def test_kill_9_before_every_write_and_sync_of_a_run_over_documents(project: Project, part: int) -> None:
    """Also between the note of the segments and the reply, and while the tree is put in place."""
    with translator() as (server, seen):
        begin(project, server.base_url, 1, 25)
        assert traced(project, *TRACE).returncode == 0
        ends = some(points(project.folder / "trace", project.folder))
        expected = beside(project)
        hit = [point for point in ends[part::4] if killed_at(project, seen, point, expected)]
    assert len(hit) >= 2 / 3 * len(ends[part::4]), f"killed at {hit} only"


def some(ends: list[Point]) -> list[Point]:
    """Of the points of one kind: the first, the last and the middle one."""
    kinds: dict[str, list[Point]] = defaultdict(list)
    for end in ends:
        kinds[end.what].append(end)
    chosen = {of[i] for of in kinds.values() for i in (0, len(of) // 2, -1)}
    return [end for end in ends if end in chosen]


def killed_at(project: Project, seen: Seen, point: Point, expected: dict[str, bytes]) -> bool:
    """Kill a run there, let the next one finish, and hold both to what was asked for."""
    for folder in ("out", "output"):
        shutil.rmtree(project.folder / folder, ignore_errors=True)
    seen.requests.clear()
    bill = Bill(seen)
    code = traced(project, *TRACE, *point.options()).returncode
    there = code == -signal.SIGKILL and point.what in ended_at(project.folder / "trace")
    bill.killed(project.folder / JOURNAL)
    done = project.run("run", "job.yaml")
    assert done.returncode == 0, f"{point}: {done.stderr}"
    bill.killed(project.folder / JOURNAL)
    assert bill.lost[0] <= WIDTH and bill.lost[1] == 0, f"{point}: {bill.lost}"
    assert tree(project) == right(project, 1, 25), point
    assert beside(project) == expected, point
    return there
