"""P13: one signal lets what is under way come to its end, a second one leaves at once."""

from __future__ import annotations

import signal
import time

from pipeline.testing import Rule, Script
from tests.support.journals import journalled
from tests.support.project import Project
from tests.support.served import served
from tests.support.server import serve
from tests.support.waiting import wait_for, wait_for_signal


def test_p13_one_signal_sees_to_its_end_what_is_under_way_and_two_leave_at_once(project: Project) -> None:
    with serve(Script(latency=0.3, faults=(Rule(match="thing 39.", fault="hang"),))) as server:
        models = served(server.base_url, limits={"concurrency": 4, "timeout": 60})
        project.job(models=models, records=Project.numbered(40))
        process = project.start("run", "job.yaml")
        wait_for(lambda: server.ledger_path.exists() and server.ledger().billed >= 8)
        process.send_signal(signal.SIGTERM)
        asked = time.time()
        _, said = process.communicate(timeout=60)
        assert process.returncode == 130 and "to go on: python -m pipeline run job.yaml" in said, said
        assert sum(line.arrived > asked for line in server.ledger().lines) <= 8, "far fewer than there were"
        assert server.ledger().billed == journalled(project.folder) < 39
        process = project.start("run", "job.yaml")
        wait_for(lambda: journalled(project.folder) == 39)
        wait_for(lambda: any(line.fault == "hang" for line in server.ledger().lines))
        process.send_signal(signal.SIGINT)
        wait_for_signal(project.folder, times=2)
        assert process.poll() is None
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=30)  # what hangs has 60
        assert process.returncode == 130
        assert server.ledger().billed == journalled(project.folder) == 39
