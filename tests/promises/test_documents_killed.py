"""P1 and P8 for documents: after kill -9 the tree is that of an undisturbed run; nothing is paid for twice.

Fifty kills of a larger job, and one at each write and sync, are in soak/test_documents_killed.py."""

from __future__ import annotations

import random

from pipeline.testing import Latency, Script
from tests.support.killed_documents import JOURNAL, WIDTH, Bill, begin, beside, killed, right, tree
from tests.support.project import Project
from tests.support.translator import translator

DOCUMENTS, SENTENCES, KILLS = 12, 25, 5


def test_a_run_that_is_killed_again_and_again_ends_like_an_undisturbed_one(project: Project) -> None:
    dice = random.Random(19)
    with translator(script=Script(latency=Latency(mean=0.1, jitter=0.05))) as (server, seen):
        begin(project, server.base_url, DOCUMENTS, SENTENCES)
        bill = Bill(seen)
        for _ in range(KILLS):
            killed(project, server, seen, dice, work=0.3)
            bill.killed(project.folder / JOURNAL)
        done = project.run("run", "job.yaml")
        assert done.returncode == 0, done.stderr
        bill.killed(project.folder / JOURNAL)
        assert tree(project) == right(project, DOCUMENTS, SENTENCES)
        first, asked = beside(project), len(seen.requests)
        assert project.run("run", "job.yaml").returncode == 0
        assert (beside(project), len(seen.requests)) == (first, asked)
    assert max(bill.lost) <= WIDTH, f"requests that were lost, by kill: {bill.lost}"
    assert bill.lost.pop() == 0 and sum(map(bool, bill.lost)) >= 2, "too few kills have met work"
