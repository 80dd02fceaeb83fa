"""While the first model is down, another one is asked: nobody waits for it, and the run does not stop."""

from __future__ import annotations

from dataclasses import replace

import anyio
import pytest

from pipeline.core.domain import Billed, Fault, Reply, Request
from pipeline.job.models import Fallback, Limits, Model
from pipeline.lanes.lane import Lane, guarded
from pipeline.money.tariff import Tariff
from tests.support.clock import on_test_time
from tests.support.fakes import Provider, again, asked, outcomes, said
from tests.support.lanes import shared_of

FREE = Tariff(None, free=True)


def with_another(
    first: Provider, limits: Limits, count: int, every: float = 0.0
) -> tuple[list[Reply | Fault], Provider]:
    """What becomes of requests, one `every` so many seconds, to a first model with another behind it."""
    second = Provider([said("b")])

    def question(i: int) -> Request:
        other = replace(asked(str(i), key=str(i), temperature=1), model="second")
        return replace(asked(str(i), key=str(i)), model="first", instead=other)

    async def main() -> list[Reply | Fault]:
        shared = shared_of()
        behind = guarded(
            Model(model="second"), [(Lane("second", Limits(), FREE, shared), 1.0, second)], shared, None
        )
        model = Model(model="first", limits=limits, fallback=Fallback(model="other"))
        call = guarded(model, [(Lane("first", limits, FREE, shared), 1.0, first)], shared, behind)

        async def in_turn(request: Request) -> Reply:
            await anyio.sleep(every * int(request.key))
            return await call(request)

        return await outcomes(in_turn, [question(i) for i in range(count)])

    return on_test_time(main), second


DOWN = again("unreachable", billed=Billed.NO)
REFUSING = again("rate_limited", billed=Billed.NO)


@pytest.mark.parametrize("every", [0, 3], ids=["all at once", "one after the other"])
@pytest.mark.parametrize("fault", [DOWN, REFUSING], ids=["outage", "refusing"])
def test_a_first_model_that_gives_no_answer_for_long_does_not_stop_the_run(
    fault: Fault, every: float
) -> None:
    first, limits = Provider([fault], seconds=0.1), Limits(outage=20, concurrency=8)
    results, second = with_another(first, limits, 40, every)
    assert all(isinstance(result, Reply) and result.model == "second" for result in results), results[0]
    assert len(second.requests) == 40


def test_whoever_waits_for_a_model_that_is_down_goes_to_the_other_one_at_once() -> None:
    first = Provider([DOWN], seconds=0.1)
    results, second = with_another(first, Limits(outage=600, concurrency=8, retries=50), 40)
    assert all(isinstance(result, Reply) for result in results)
    # one probe is under way; it is all that may still wait for the first model
    assert sorted(second.times)[-2] < 5
