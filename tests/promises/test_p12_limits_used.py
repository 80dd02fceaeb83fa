"""P12: of a limit that is set or told, at least 90 % is used, with at most 1 % refusals.

Limits that nobody tells are in soak/test_cooldown.py."""

from __future__ import annotations

import pytest

from pipeline.job.models import Limits
from pipeline.testing import Quota, Rule, Script
from tests.support.lanes import numbered, through_a_lane

RATE = 600
"""requests a minute"""


@pytest.mark.parametrize("stated", [None, RATE])
def test_p12_a_limit_is_used_with_few_refusals_and_is_back_after_an_outage(stated: int | None) -> None:
    outage = Rule(fault="server_error", status=503, during=(120, 130))
    script = Script(latency=0.5, quota=Quota(rpm=RATE, headers=stated is None), faults=(outage,))
    outcome = through_a_lane(script, numbered(2500), Limits(rpm=stated))
    lines = outcome.account.lines
    began = min(line.arrived for line in lines)

    def share(since: float, until: float) -> float:
        answered = sum(line.billed and since <= line.at - began < until for line in lines)
        return answered / (RATE / 60 * (until - since))

    assert outcome.answered == 2500
    assert share(30, 120) >= 0.9
    assert share(140, 190) >= 0.8, "ten seconds after the outage and on"
    assert outcome.refused <= 25
