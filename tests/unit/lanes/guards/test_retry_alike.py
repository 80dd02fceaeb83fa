"""Refused requests stop the run only where they are the first ones, and nothing was answered."""

from __future__ import annotations

import anyio

from pipeline.core.domain import Call, Fate, Fault, Reply, Request
from pipeline.core.progress import Progress
from pipeline.job.spec import Limits
from pipeline.lanes.guards.retry import REFUSED_ALIKE, REFUSED_ANYHOW, retry
from tests.support.clock import on_test_time
from tests.support.fakes import Events, asked, outcomes, said
from tests.support.lanes import around, numbered, shared_of


def guarded(call: Call, answered_before: bool = False) -> Call:
    return retry(call, Limits(), None, Events(), Progress(), answered_before)


def stops(results: list[Reply | Fault]) -> int:
    return sum(isinstance(result, Fault) and result.fate is Fate.STOP for result in results)


async def slow_first(request: Request) -> Reply:
    """The first request is answered late; all others are refused at once."""
    if request.key == "0":
        await anyio.sleep(10)
        return said("x")
    raise Fault("bad_request", "no")


def test_while_one_of_the_first_is_still_out_five_refusals_prove_nothing() -> None:
    results = on_test_time(lambda: outcomes(guarded(slow_first), numbered(3 * REFUSED_ALIKE)))
    assert isinstance(results[0], Reply)
    assert stops(results) == 0


def test_fifty_refusals_prove_enough_while_one_of_the_first_is_still_out() -> None:
    results = on_test_time(lambda: outcomes(guarded(slow_first), numbered(REFUSED_ANYHOW + 1)))
    assert stops(results) == 1


async def refused(request: Request) -> Reply:
    raise Fault("bad_request", "no")


def test_a_job_with_answers_from_an_earlier_run_does_not_stop_for_refused_rows() -> None:
    async def main() -> list[Reply | Fault]:
        shared = shared_of()
        await shared.journal.record(asked("before"), said("x"))
        call, _ = around(refused, Limits(concurrency=1), shared=shared)
        return await outcomes(call, numbered(REFUSED_ANYHOW + 1))

    assert stops(on_test_time(main)) == 0
