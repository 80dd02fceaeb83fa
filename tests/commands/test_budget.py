"""Servers that count no tokens: what they have answered is held against the budget, in all runs together."""

from __future__ import annotations

from pipeline.testing import Script
from tests.support.project import Project
from tests.support.served import served
from tests.support.server import serve

PRICE = {"input": 1.0, "output": 10.0}


def test_a_budget_is_one_for_all_runs_at_a_server_that_counts_nothing(project: Project) -> None:
    with serve(Script(usage=False)) as server:
        models = served(server.base_url, price=PRICE, params={"max_tokens": 100})
        project.job(models=models, records=Project.numbered(40), budget={"cost": 0.01})
        codes = [project.run("run", "job.yaml").returncode for _ in range(3)]
        standing = project.numbers("status", "job.yaml")
        sent = len(server.ledger().lines)
    assert codes == [4, 4, 4]
    assert 5 <= sent <= 10, "at a tenth of a cent each"
    assert standing["cost"] == 0 and 0.005 < standing["maybe_cost"] <= 0.01
