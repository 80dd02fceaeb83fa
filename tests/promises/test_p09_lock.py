"""P9: of two runs of one job the second ends at once."""

from __future__ import annotations

import socket

from pipeline.testing import Script
from tests.support.project import Project
from tests.support.server import serve
from tests.support.waiting import wait_for


def test_p09_of_two_runs_the_second_ends_at_once_and_a_dead_one_holds_nothing(project: Project) -> None:
    with serve(Script(latency=1.0)) as server:
        project.job(server.base_url, records=Project.numbered(60))
        process = project.start("run", "job.yaml")
        wait_for(lambda: server.ledger_path.exists() and server.ledger().billed >= 4)
        second = project.run("run", "job.yaml")
        assert second.returncode == 75 and process.poll() is None
        assert f"pid {process.pid} on {socket.gethostname()}" in second.stderr
        assert "this run has sent nothing" in second.stderr
        process.kill()
        process.communicate()
        assert project.run("run", "job.yaml", "--limit", "20").returncode == 0
        assert server.ledger().overpaid <= 4
