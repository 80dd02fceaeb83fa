"""P13: one signal lets what is under way come to its end, a second one leaves at once."""

from __future__ import annotations

import signal
import time

from pipeline.testing import Rule, Script
from tests.support.journals import journalled
from tests.support.project import Project
from tests.support.served import served
from tests.support.server import serve
from tests.support.waiting import wait_for


def test_p13_one_signal_sees_to_its_end_what_is_under_way_and_two_leave_at_once(project: Project) -> None:
    with serve(Script(latency=0.3, faults=(Rule(match="thing 39.", fault="hang"),))) as server:
        models = served(server.base_url, limits={"concurrency": 4, "timeout": 60})
        project.job(models=models, records=Project.numbered(40))
        process = project.start("run", "job.yaml")
        wait_for(lambda: server.ledger_path.exists() and server.ledger().billed >= 8)
        process.send_signal(signal.SIGTERM)
        asked = time.time()
        _, said = process.communicate(timeout=20)
        assert process.returncode == 130 and "to go on: python -m pipeline run job.yaml" in said, said
        assert max(line.arrived for line in server.ledger().lines) < asked + 0.3
        assert server.ledger().billed == journalled(project.folder) < 39
        process = project.start("run", "job.yaml")
        wait_for(lambda: server.ledger().billed == 39)
        time.sleep(0.3)
        process.send_signal(signal.SIGINT)
        time.sleep(0.5)
        assert process.poll() is None
        process.send_signal(signal.SIGINT)
        asked = time.time()
        process.communicate(timeout=10)
        assert process.returncode == 130 and time.time() - asked < 2
        assert server.ledger().billed == journalled(project.folder) == 39
