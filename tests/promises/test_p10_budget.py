"""P10: spending never passes the budget, but for what a kill caught under way.

Hundreds of seeded runs are in unit/lanes/limits/test_budget.py."""

from __future__ import annotations

from pipeline.testing import Script
from tests.support.project import Project
from tests.support.served import bill, served
from tests.support.server import serve
from tests.support.waiting import wait_for


def test_p10_no_budget_is_passed_by_more_than_what_a_kill_caught_in_flight(project: Project) -> None:
    budget, worst, concurrency = 60_000_000, 1_200_000, 8
    with serve(Script(latency=0.05, tokens=100)) as server:
        models = served(server.base_url, params={"max_tokens": 110}, limits={"concurrency": concurrency})
        project.job(models=models, records=Project.numbered(120), budget={"cost": budget / 1e9})
        process = project.start("run", "job.yaml")
        wait_for(lambda: server.ledger_path.exists() and server.ledger().billed >= 20)
        process.kill()
        process.communicate()
        done = project.run("run", "job.yaml")
        assert done.returncode == 4 and "budget.cost" in done.stderr, done.stderr
        spent = bill(server.ledger())
        lost = server.ledger().overpaid * worst
        assert budget - 2 * worst < spent <= budget + min(lost, concurrency * worst)
        assert project.run("run", "job.yaml").returncode == 4
        assert bill(server.ledger()) == spent, "a spent budget sends nothing"
