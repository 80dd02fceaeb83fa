"""P23: the cost that is reported is the sum over all attempts, and equals the ledger of the server."""

from __future__ import annotations

import sqlite3
from contextlib import closing

from pipeline.testing import Rule, Script
from pipeline.testing.script import FaultName
from tests.support.project import Project
from tests.support.served import bill, nano, served
from tests.support.server import serve


def test_p23_the_cost_is_the_sum_over_all_attempts(project: Project) -> None:
    names: tuple[FaultName, ...] = ("refusal", "length", "empty", "filtered", "garbage", "truncate_body")
    faults = tuple(Rule(match=f"thing {i}.", times=1, fault=name) for i, name in enumerate(names))
    with serve(Script(faults=faults)) as server:
        project.job(models=served(server.base_url), records=Project.numbered(10))
        assert project.run("run", "job.yaml").returncode == 3
        assert project.run("run", "job.yaml", "--retry-failed").returncode == 0
        ledger = server.ledger()
    assert ledger.billed == 16, "six of ten were paid for twice"
    unread = type(ledger)(line for line in ledger.lines if line.fault in ("garbage", "truncate_body"))
    status = project.numbers("status", "job.yaml")
    assert nano(status["cost"]) == bill(ledger) - bill(unread), "whatever was read is exact, in every run"
    assert bill(unread) <= nano(status["maybe_cost"]), "whatever was not is counted at its worst"
    with closing(sqlite3.connect(project.folder / "output/shop/journal.sqlite")) as journal:
        ((total,),) = journal.execute("SELECT sum(cost) FROM attempts WHERE billed = 'yes'")
    assert total == bill(ledger) - bill(unread)
