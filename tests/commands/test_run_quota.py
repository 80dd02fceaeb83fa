"""An account that is empty stops the run, and nothing that is under way is lost."""

from __future__ import annotations

import sqlite3
from contextlib import closing

import pytest

from pipeline.testing import Rule, Script
from tests.support.project import Project
from tests.support.server import serve


@pytest.mark.parametrize("code", ["insufficient_quota", "project_spend_limit_exceeded"])
def test_what_is_under_way_when_the_account_is_empty_is_seen_to_its_end(project: Project, code: str) -> None:
    rules = (
        Rule(match="thing 1.", fault="drip", seconds=1.0),  # under way while all others are refused
        Rule(after=6, fault="insufficient_quota", code=code),
    )
    with serve(Script(faults=rules)) as server:
        project.job(server.base_url, records=Project.numbered(40))
        done = project.run("run", "job.yaml")
        ledger = server.ledger()
    assert done.returncode == 4, done.stderr
    assert "out_of_quota" in done.stderr and "top up the account" in done.stderr
    assert "done: 6 rows" in done.stderr and "to go on: python -m pipeline run job.yaml" in done.stderr
    assert ledger.billed == 6
    assert 1 <= ledger.refused <= 4, "no more than were sent before the first of them had come"
    with closing(sqlite3.connect(project.folder / "output/shop/journal.sqlite")) as journal:
        slow = "SELECT seconds FROM attempts WHERE record = '00001' AND outcome = 'answered'"
        ((seconds,),) = journal.execute(slow)
    assert seconds > 0.9, "it was not cut short"
    with serve() as server:  # there is money again
        project.job(server.base_url, records=Project.numbered(40))
        assert project.run("run", "job.yaml").returncode == 0
        assert server.ledger().billed == 40 - 6
