"""Whoever leaves the line before a lane early leaves nothing behind."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from dataclasses import replace
from random import Random
from typing import Any

import anyio
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.core.domain import Billed, Fate, Fault, Reply, Request
from pipeline.job.models import Limits
from pipeline.job.spec import BudgetSpec
from pipeline.lanes.guards.queue import enqueue
from pipeline.lanes.lane import Lane, Shared
from pipeline.money.budget import Spent
from tests.support.clock import on_test_time
from tests.support.fakes import asked, said
from tests.support.gate import TARIFF, Gate, ask_all, line
from tests.support.lanes import shared_of


@pytest.mark.parametrize("moment", ["before", "cancelled, then granted", "granted, then cancelled", "after"])
def test_whoever_is_cancelled_leaks_nothing(moment: str) -> None:
    async def main() -> None:
        shared = shared_of(BudgetSpec(cost=1.0, requests=100))
        lane = Lane("l", Limits(concurrency=1, rpm=60, tpm=100_000), TARIFF, shared)
        queue = lane.queue
        first = await queue.enter(asked("first"))
        waiter = asyncio.create_task(queue.enter(asked("second")))
        third = asyncio.create_task(queue.enter(asked("third")))
        await anyio.sleep(5)
        if moment == "cancelled, then granted":
            waiter.cancel()
        if moment != "before":
            queue.leave(first, None)
        if moment == "after":
            queue.leave(await waiter, None)
        else:
            waiter.cancel()
            with pytest.raises(asyncio.CancelledError):
                await waiter
        if moment == "before":
            queue.leave(first, None)
        queue.leave(await third, None)
        assert (queue.in_flight, queue.waiting, lane.concurrency.in_flight) == (0, 0, 0)
        assert (shared.budget.held, shared.budget.spent) == (Spent(), Spent())
        now = shared.now()
        assert (lane.rpm.use(now), lane.tpm.use(now)) == (0.0, 0.0)

    on_test_time(main)


@settings(max_examples=60)
@given(st.integers(0, 10**6), st.integers(1, 5), st.sampled_from([None, 30, 3000]))
def test_random_cancellations_leave_nothing_behind_and_strand_nobody(
    seed: int, slots: int, rpm: int | None
) -> None:
    random = Random(seed)

    async def send(request: Request) -> Reply:
        await anyio.sleep(random.choice([0, 0.0, 0.5, 3.0]))
        if random.random() < 0.2:
            raise Fault("server_error", "x", fate=Fate.RETRY, billed=Billed.MAYBE)
        return said("x")

    async def ask(call: Any, i: int) -> None:
        with suppress(Fault):
            await call(replace(asked(f"{i}"), attempt=random.choice([1, 1, 2])))

    async def main() -> tuple[Lane, Shared]:
        shared = shared_of(BudgetSpec(cost=1000.0, maybe_billed=1000))
        lane = Lane("l", Limits(concurrency=slots, rpm=rpm, outage=10_000), TARIFF, shared)
        call = enqueue(send, lane.queue)
        tasks = []
        for i in range(40):
            tasks.append(asyncio.create_task(ask(call, i)))
            for _ in range(random.randint(0, 3)):
                await asyncio.sleep(0)
            if random.random() < 0.5:
                random.choice(tasks).cancel()
            if random.random() < 0.1:
                await anyio.sleep(1)
        await asyncio.gather(*tasks, return_exceptions=True)
        return lane, shared

    lane, shared = on_test_time(main)
    assert (lane.queue.in_flight, lane.queue.waiting, lane.concurrency.in_flight) == (0, 0, 0)
    assert shared.budget.held == Spent()


def test_four_thousand_waiters_are_cancelled_in_no_time() -> None:
    async def main() -> None:
        queue = line(Gate(slots=0))
        with anyio.move_on_after(1):
            await ask_all(queue.enter, [asked("x")] * 4000)
        assert queue.waiting == 0

    on_test_time(main)
