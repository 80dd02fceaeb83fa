"""P1: after kill -9 at any moment, what was committed is not sent again.

The sweeps kill before every system call, at random instants and for want of memory: soak/test_p01_*.py."""

from __future__ import annotations

from pipeline.testing import Script
from tests.support.journals import JOURNAL, answered
from tests.support.killed_run import CONCURRENCY, finish, job, kill, started
from tests.support.project import Project
from tests.support.server import serve


def test_p01_after_kill_9_nothing_that_was_kept_is_sent_again(project: Project) -> None:
    with serve(Script(latency=0.05)) as server:
        job(project, server)
        process = started(project, server, 70)
        kill(process, server)
        kept = answered(project.folder / JOURNAL)
        assert len(kept) >= 70 - CONCURRENCY
        ledger = finish(project, server)
    twice = {digest for digest, times in ledger.paid.items() if times > 1}
    assert not twice & kept and len(twice) <= CONCURRENCY
