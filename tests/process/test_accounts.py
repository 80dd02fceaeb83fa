"""The accounts of a run that was killed."""

from __future__ import annotations

import os
import signal
import sqlite3
import time

from pipeline.testing import Script
from tests.support.project import Project
from tests.support.served import bill, nano, served
from tests.support.server import serve


def test_after_a_kill_the_accounts_are_right_and_the_next_run_makes_them_whole(project: Project) -> None:
    with serve(Script(latency=0.05, answer="the same for all")) as server:
        models = served(server.base_url, limits={"concurrency": 4})
        records = "sku,title\n" + "".join(f"{i},{1000 + i}\n" for i in range(150))
        project.job(models=models, records=records)
        process = project.start("run", "job.yaml")
        while not server.ledger_path.exists() or server.ledger().billed < 40:
            time.sleep(0.05)
        os.kill(process.pid, signal.SIGKILL)
        process.communicate()
        killed = project.numbers("status", "job.yaml")
        assert killed["last_run"] == "killed" and killed["cost"] > 0
        _forget_some_counts(project)
        assert project.numbers("status", "job.yaml")["unpriced"] > killed["unpriced"]
        assert project.run("run", "job.yaml").returncode == 0
        ledger = server.ledger()
    status = project.numbers("status", "job.yaml")
    assert ledger.billed - 150 == ledger.overpaid <= 4, "only what was under way is paid for again"
    assert nano(status["cost"]) * ledger.billed == bill(ledger) * 150 and status["unpriced"] == 0


def _forget_some_counts(project: Project) -> None:
    """Leave replies as a kill between keeping and counting them leaves them."""
    with sqlite3.connect(project.folder / "output/shop/journal.sqlite") as journal:
        journal.execute("UPDATE attempts SET input = NULL, cost = NULL WHERE seq IN (3, 7, 8)")
