"""A disk that fails under a run, by strace, and what becomes of the replies under way."""

from __future__ import annotations

from pipeline.testing import Script
from tests.support.journals import journalled
from tests.support.points import traced
from tests.support.project import Project
from tests.support.served import served
from tests.support.server import serve

ROWS, CONCURRENCY = 50, 8


def injected(project: Project, call: str, fault: str, name: str = "journal.sqlite-wal") -> list[str]:
    """What makes strace fail a call on one of the run's files."""
    path = str(project.folder / "output/shop" / name)
    return ["--seccomp-bpf", "-e", f"trace={call}", "-e", f"inject={call}:{fault}", "-P", path]


def every_reply_is_kept(project: Project, call: str, fault: str) -> None:
    """Run a job whose disk fails so, and once more: nothing is paid for twice."""
    with serve(Script(latency=0.05, tokens=300)) as server:
        models = served(server.base_url, limits={"concurrency": CONCURRENCY})
        project.job(models=models, records=Project.numbered(ROWS))
        done = traced(project, *injected(project, call, fault))
        assert done.returncode == 74 and "Traceback" not in done.stderr, done.stderr
        assert "the journal cannot be written" in done.stderr and "run the same command" in done.stderr
        billed = server.ledger().billed
        assert journalled(project.folder) < billed < ROWS
        assert project.run("run", "job.yaml").returncode == 0
        assert server.ledger().billed == ROWS and server.ledger().overpaid == 0
    assert journalled(project.folder) == ROWS
