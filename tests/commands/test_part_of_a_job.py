"""What is said where only a part of a job is meant, done or affordable."""

from __future__ import annotations

import json
from typing import Any

import pytest

from pipeline.testing import Rule, Script
from tests.support.project import Project
from tests.support.served import served
from tests.support.server import serve

PARTS: list[tuple[dict[str, Any], int, str]] = [
    ({"limit": 5}, 5, "only 5 of 20 records (limit)"),
    ({"limit": 0}, 0, "only 0 of 20 records (limit)"),
    ({"limit": 20}, 20, ""),
    ({"sample": {"n": 7}}, 7, "only 7 of 20 records (sample)"),
    ({"sample": {"n": 7}, "limit": 2}, 2, "only 2 of 20 records (sample, limit)"),
    ({"where": "sku < '00004'"}, 4, "only the 4 records that records.where keeps"),
    ({"where": "sku > '9'"}, 0, "only the 0 records that records.where keeps"),
    ({"where": "sku < '00004'", "limit": 1}, 1, "only 1 of the 4 records that records.where keeps (limit)"),
]
"""what chooses records, how many it keeps of 20, and what is said of that"""


@pytest.mark.parametrize(("chosen", "rows", "said"), PARTS, ids=str)
def test_a_part_of_the_records_is_named_and_what_its_table_replaces(
    chosen: dict[str, Any], rows: int, said: str, project: Project
) -> None:
    project.job(records=Project.numbered(20))
    assert "before" not in project.run("run", "job.yaml").stdout
    sets = [
        word for name, value in chosen.items() for word in ("--set", f"records.{name}={json.dumps(value)}")
    ]
    for command in ("run", "export"):
        done = project.run(command, "job.yaml", *sets)
        assert done.returncode == 0 and len(project.result()) == rows
        assert (said or "only") in done.stdout if said else "only" not in done.stdout
        replaced = command == "run" and rows < 20
        assert ("posts.csv: the table before had 20 rows" in done.stdout) is replaced, done.stdout
    for command in ("plan", "status", "show"):
        shown = project.run(command, "job.yaml", *sets).stdout
        assert said.lower() in shown.lower() if said else "only" not in shown, shown


def test_a_job_that_is_not_finished_says_what_is_pending(project: Project) -> None:
    faults = (Rule(match="thing 1.", fault="refusal"), Rule(match="thing 2.", fault="refusal"))
    with serve(Script(faults=faults)) as server:
        project.job(models=served(server.base_url), records=Project.numbered(20), budget={"requests": 6})
        shown = project.run("show", "job.yaml")
        assert "has no result yet" in shown.stderr and "run it first" in shown.stderr
        assert (
            "Left of budget.requests: 6 of 6; that may not be enough"
            in project.run("plan", "job.yaml").stdout
        )
        assert project.run("run", "job.yaml").returncode == 4
        shown = project.run("show", "job.yaml")
        assert shown.returncode == 2 and "pipeline export job.yaml" in shown.stderr.replace("python -m ", "")
        assert (
            "Left of budget.requests: 0 of 6; that may not be enough"
            in project.run("plan", "job.yaml").stdout
        )
        assert "2 failed, 14 pending of 20" in project.run("status", "job.yaml").stdout
        exported = project.run("export", "job.yaml")
        assert exported.returncode == 75 and "4 ok, 2 failed, 14 pending" in exported.stdout
        assert project.run("show", "job.yaml").returncode == 0
        tokens = project.run("plan", "job.yaml", "--set", "budget={tokens: 1000000}").stdout
        assert "Left of budget.tokens: 9" in tokens and "enough" not in tokens
        assert server.ledger().requests == 6
