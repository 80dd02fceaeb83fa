"""A request that is sent to another endpoint has lost no try, and does not wait."""

from __future__ import annotations

from dataclasses import replace

import pytest

from pipeline.core.domain import Fate, Fault, Reply
from pipeline.job.models import Fallback, Limits, Model
from pipeline.lanes.lane import Lane, guarded
from pipeline.money.tariff import Tariff
from tests.support.clock import on_test_time
from tests.support.fakes import Provider, asked, outcomes, said
from tests.support.lanes import shared_of

FREE = Tariff(None, free=True)
DEAD = Fault("unauthorized", "no", fate=Fate.STOP)


@pytest.mark.parametrize("width", [1, 9], ids=["some wait in the queue", "all are sent"])
def test_who_is_sent_to_another_endpoint_has_not_used_up_a_try(width: int) -> None:
    dead, well, another = Provider([DEAD], seconds=1), Provider([said("x")], seconds=1), Provider()
    limits = Limits(retries=0, maybe_billed_retries=0, concurrency=width)

    async def main() -> list[Reply | Fault]:
        shared = shared_of()
        sends = [(Lane(name, limits, FREE, shared), 1.0, call) for name, call in (("a", dead), ("b", well))]
        model = Model(model="m", limits=limits, fallback=Fallback(model="z", after=1))
        call = guarded(model, sends, shared, another)
        requests = [replace(asked(str(i)), instead=asked(str(i), seed=2)) for i in range(10)]
        return await outcomes(call, requests)

    results = on_test_time(main)
    assert all(isinstance(result, Reply) for result in results)
    assert len(dead.requests) == min(width, 5)
    assert another.requests == [], "no try has failed, so no other model is asked"
    assert well.times[-1] == pytest.approx(9 if width == 1 else 1, abs=0.2), "nobody waits in between"
