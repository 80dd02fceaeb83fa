"""Refused requests stop the run only where they are the first ones, and nothing was answered."""

from __future__ import annotations

import anyio
import pytest

from pipeline.core.domain import Call, Fate, Fault, Reply, Request
from pipeline.core.progress import Progress
from pipeline.job.models import Limits
from pipeline.lanes.guards.retry import REFUSED_ALIKE, REFUSED_ANYHOW, retry
from tests.support.clock import on_test_time
from tests.support.fakes import Events, asked, outcomes, said
from tests.support.lanes import around, ask_in_turn, numbered, shared_of

LONG = "x" * 500


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


@pytest.mark.parametrize("concurrency", [1, 4, 16])
@pytest.mark.parametrize(("bad", "text"), [(5, ""), (5, LONG), (6, LONG), (7, LONG)])
def test_bad_rows_at_the_head_do_not_stop_a_run(concurrency: int, bad: int, text: str) -> None:
    """Five of any length; more of them where they are longer than the others."""

    async def send(request: Request) -> Reply:
        await anyio.sleep(0.1)
        if int(request.key) < bad:
            raise Fault("bad_request", "400: unknown")
        return said("x")

    requests = [asked(f"{i:02} {text if i < bad else ''}", key=str(i)) for i in range(40)]

    async def main() -> list[Reply | Fault | None]:
        call, lane = around(send, Limits(concurrency=concurrency))
        results: list[Reply | Fault | None] = [None] * 40
        await ask_in_turn(call, requests, results, lambda: max(8, 2 * lane.concurrency.width))
        return results

    results = on_test_time(main)
    assert [isinstance(result, Reply) for result in results] == [i >= bad for i in range(40)]
    assert stops([result for result in results if result is not None]) == 0
