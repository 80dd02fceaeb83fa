"""Models that share a lane, and limits that are lowered while it works."""

from __future__ import annotations

import anyio
import pytest

from pipeline.core.domain import Reply, Request, ServerLimits
from pipeline.job.models import Limits, Model
from pipeline.lanes.lane import Lane, guarded
from pipeline.lanes.limits.limit import Ticket
from pipeline.lanes.limits.rate import Rate
from pipeline.money.estimate import Expected
from pipeline.money.tariff import Tariff
from tests.support.clock import on_test_time
from tests.support.fakes import Provider, asked, outcomes
from tests.support.lanes import shared_of


def ticket(now: float) -> Ticket:
    return Ticket(Request("chat", "m", b""), lambda _: Expected(1, 1, 1), now)


def test_a_limit_that_is_lowered_does_not_stall_its_lane() -> None:
    for rate in (600.0, 100.0, 60.0):
        pace, now = Rate("rpm", 30_000.0), 1000.0
        for _ in range(50):
            while (delay := pace.delay(ticket(now), now)) > 0:
                now += delay
            pace.take(ticket(now), now)
        pace.limit = rate
        assert pace.delay(ticket(now), now) <= 60.0 + 1.0


@pytest.mark.parametrize(("tpm", "minutes"), [(1, 0), (29, 0), (30, 4)])
def test_a_limit_that_the_servers_own_replies_are_above_holds_nobody_up(tpm: int, minutes: int) -> None:
    body = b'{"choices":[{"message":{"content":"a"}}],"usage":{"prompt_tokens":20,"completion_tokens":10}}'

    async def main() -> float:
        lane = Lane("writer", Limits(concurrency=1), Tariff(None, free=True), shared_of())
        provider = Provider([Reply("chat", body, 0.1, advertised=ServerLimits(tpm=tpm))], seconds=0.1)
        call = guarded(Model(model="m"), [(lane, 1.0, provider)], shared_of(), None)
        began = anyio.current_time()
        await outcomes(call, [asked(f"a{i}", max_tokens=10) for i in range(6)])
        return anyio.current_time() - began

    assert on_test_time(main) // 60 == minutes
