"""A run of many rows that is killed or interrupted, and finished by another run."""

from __future__ import annotations

import subprocess

from pipeline.testing import Account, Server
from tests.support.project import Project
from tests.support.settled import settled
from tests.support.waiting import wait_for

ROWS, CONCURRENCY = 150, 8


def job(project: Project, server: Server) -> None:
    """A job of many rows."""
    project.job(server.base_url, records=Project.numbered(ROWS))


def started(project: Project, server: Server, billed: int, *more: str) -> subprocess.Popen[str]:
    """A run that the server has billed so many answers."""
    process = project.start(
        "run", "job.yaml", "--set", f"models.writer.limits.concurrency={CONCURRENCY}", *more
    )
    wait_for(lambda: server.ledger().billed >= billed)
    return process


def kill(process: subprocess.Popen[str], server: Server) -> None:
    """kill -9, and let the server bill what it has begun to answer."""
    process.kill()
    process.communicate()
    settled(server)


def finish(project: Project, server: Server) -> Account:
    """Run the job to its end, and hold the table to the input."""
    done = project.run("run", "job.yaml", "--set", "models.writer.limits.concurrency=64")
    assert done.returncode == 0, done.stderr
    result = project.result()
    assert result["sku"].to_list() == [f"{i:05}" for i in range(ROWS)]
    right = [f"Write about {title}." in post for title, post in result.select("title", "post").iter_rows()]
    assert all(right), "every row has the answer to its own question"
    return server.ledger()
