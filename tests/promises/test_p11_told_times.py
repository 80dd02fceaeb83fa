"""P11: no request is sent before the time that the server told, and no minute holds more than its limit.

Hours on a turned clock are in unit/lanes, minutes of real time in soak/test_p11_real_time.py."""

from __future__ import annotations

import pytest

from pipeline.job.models import Limits
from pipeline.testing import Quota, Rule, Script
from tests.support.lanes import numbered, through_a_lane
from tests.support.project import Project
from tests.support.served import served
from tests.support.server import serve

RATE = 600
"""requests a minute"""


def test_p11_nobody_asks_before_the_time_that_was_told(project: Project) -> None:
    rule = Rule(first=1, fault="rate_limit", retry_after_ms=800)
    with serve(Script(latency=0.2, faults=(rule,))) as server:
        models = served(server.base_url, limits={"concurrency": 4})
        project.job(models=models, records=Project.numbered(24))
        assert project.run("run", "job.yaml").returncode == 0
        ledger = server.ledger()
    (told,) = (line.at for line in ledger.lines if line.status == 429)
    early = [line for line in ledger.lines if told < line.arrived < told + 0.75]
    assert len(early) <= 3, "those that were sent before the refusal had come"


@pytest.mark.parametrize("headers", [True, False])
def test_p11_no_minute_holds_more_than_the_limit(headers: bool) -> None:
    script = Script(latency=0.5, quota=Quota(rpm=2 * RATE, headers=headers))
    outcome = through_a_lane(script, numbered(2000), Limits(rpm=RATE, concurrency=200))
    assert outcome.answered == 2000 and outcome.refused == 0
    assert 0.95 * RATE < outcome.account.busiest(60) <= RATE
