"""A server that says `slow_down` is asked less: the lane cools down, and keeps to the rate that it bears."""

from __future__ import annotations

from itertools import pairwise

import orjson
import pytest

from pipeline.core.domain import Fault, Reply, Request
from pipeline.job.models import Limits
from pipeline.providers.scripted import caller
from pipeline.testing.ledger import Account, Ledger
from pipeline.testing.script import Quota, Script
from pipeline.testing.service import Service
from pipeline.wire.faults import fault_of
from tests.support.clock import on_test_time
from tests.support.fakes import outcomes
from tests.support.lanes import around, numbered

pytestmark = pytest.mark.simulated

BEARS, ASKED = 1800, 7680
"""requests a minute that the server bears, and that 64 slots would send"""
SLOW_DOWN = orjson.dumps({"error": {"code": "slow_down", "message": "Please slow down."}})


def account_of(count: int) -> Account:
    """The ledger of a server that says nothing but `slow_down` of its limit, asked by 64 slots."""
    ledger = Ledger()
    quota = Quota(rpm=BEARS, headers=False, retry_after=False)
    answer = caller(Service(Script(latency=0.5, quota=quota), ledger))

    async def send(request: Request) -> Reply:
        try:
            return await answer(request)
        except Fault:
            raise fault_of(429, {}, SLOW_DOWN) from None

    async def main() -> None:
        results = await outcomes(around(send, Limits(concurrency=64))[0], numbered(count))
        assert all(isinstance(result, Reply) for result in results)

    on_test_time(main)
    return ledger.account()


def test_a_lane_that_is_told_to_slow_down_cools_down_and_sends_less() -> None:
    lines = account_of(3600).lines
    began = min(line.arrived for line in lines)
    arrivals = sorted(line.arrived - began for line in lines)
    first = next(line.at - began for line in lines if line.status == 429)
    pause = max(b - a for a, b in pairwise(arrivals) if first <= a < first + 5)
    assert pause > 0.2, "nobody asks for a while"
    came = [line for line in lines if 40 <= line.arrived - began < 100]
    assert 0.8 * BEARS <= len(came) <= 1.1 * BEARS < ASKED / 3
    assert sum(line.status == 429 for line in came) <= 0.05 * len(came)
