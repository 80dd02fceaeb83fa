"""The line before a lane: its order, its wake-ups, and the faults that end it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import anyio
import pytest

from pipeline.core.domain import Call, Fate, Fault, Reply, Request
from pipeline.job.models import Limits
from pipeline.job.spec import BudgetSpec
from pipeline.lanes.guards.queue import Queue, enqueue
from pipeline.lanes.lane import Lane, Shared
from pipeline.money.tariff import Tariff
from tests.support.clock import on_test_time
from tests.support.fakes import Provider, asked, outcomes, said
from tests.support.gate import TARIFF, Gate, ask_all, line
from tests.support.lanes import shared_of


async def waits(call: Call, queue: Queue, request: Request) -> None:
    await enqueue(call, queue)(request)


def test_whoever_came_first_goes_first_whatever_its_size() -> None:
    requests = [asked("x" * size, key=str(i)) for i, size in enumerate([1, 90_000, 5, 40_000, 2] * 8)]
    provider = Provider(seconds=0.01)

    async def main() -> None:
        lane = Lane("l", Limits(tpm=30_000, concurrency=4), Tariff(None, free=True), shared_of())
        await ask_all(enqueue(provider, lane.queue), requests)

    on_test_time(main)
    assert provider.requests == requests


def test_repeated_tries_go_first_and_among_them_whoever_came_first() -> None:
    provider, gate = Provider(seconds=1), Gate(slots=1, opens=5)
    new = [asked("a", key=f"new{i}") for i in range(3)]
    again = [replace(asked("a", key=f"again{i}"), attempt=2) for i in range(3)]

    async def main() -> None:
        await ask_all(enqueue(provider, line(gate)), [new[0], again[0], new[1], again[1], again[2], new[2]])

    on_test_time(main)
    assert [request.key for request in provider.requests] == [
        "again0",
        "again1",
        "again2",
        "new0",
        "new1",
        "new2",
    ]


def test_a_fault_of_a_limit_reaches_everybody_who_waits_and_whoever_comes() -> None:
    gate, seen = Gate(slots=0), list[str]()
    queue = line(gate)

    async def ask(request: Request) -> None:
        try:
            await queue.enter(request)
        except Fault as fault:
            seen.append(fault.kind)

    async def main() -> None:
        async with anyio.create_task_group() as group:
            for i in range(100):
                group.start_soon(ask, asked(str(i)))
            await anyio.sleep(1)
            gate.fault = Fault("outage", "over", fate=Fate.STOP)
            queue.pump()
        await ask(asked("late"))

    on_test_time(main)
    assert seen == ["outage"] * 101
    assert (queue.waiting, queue.in_flight, queue.binding) == (0, 0, "")


def test_a_closed_line_sends_everybody_elsewhere_and_holds_nothing() -> None:
    queue = line(Gate(slots=0))

    async def main() -> list[Reply | Fault]:
        asyncio.get_running_loop().call_later(1, queue.close, Fault("unauthorized", "no", fate=Fate.STOP))
        return await outcomes(enqueue(Provider(), queue), [asked(str(i)) for i in range(10)])

    faults = [fault for fault in on_test_time(main) if isinstance(fault, Fault)]
    assert [(f.kind, f.fate, f.wait) for f in faults] == [("unauthorized", Fate.RETRY, 0.0)] * 10
    assert (queue.waiting, queue.binding) == (0, "")


def test_the_binding_limit_and_its_seconds_are_known() -> None:
    slow, slots, bound = Gate(slots=99, opens=30), Gate(slots=1), list[str]()
    slow.name, slots.name = "slow", "slots"
    queue = line(slow, slots)

    async def main() -> None:
        async with anyio.create_task_group() as group:
            for i in range(3):
                group.start_soon(waits, Provider(seconds=10), queue, asked(str(i)))
            await anyio.sleep(1)
            bound.append(queue.binding)
            await anyio.sleep(31)
            bound.append(queue.binding)

    on_test_time(main)
    assert bound == ["slow", "slots"]
    assert queue.held["slow"] == pytest.approx(30, abs=0.01)
    assert queue.held["slots"] == pytest.approx(20, abs=0.01)


def test_nobody_passes_before_every_limit_has_heard_how_a_request_ended() -> None:
    """What a settled budget frees must not slip through a lane whose cool-down has not begun yet."""
    fault = Fault("rate_limited", "no", fate=Fate.RETRY, wait=100.0)
    provider = Provider([fault, said("x")], seconds=1)

    async def main() -> None:
        shared = shared_of(BudgetSpec(tokens=520))
        lane = Lane("l", Limits(concurrency=9), TARIFF, shared)
        call = enqueue(provider, lane.queue)
        async with anyio.create_task_group() as group:
            group.start_soon(refused, call)
            group.start_soon(waits, provider, lane.queue, asked("b", max_tokens=500))

    async def refused(call: Any) -> None:
        with pytest.raises(Fault):
            await call(asked("a", max_tokens=500))

    on_test_time(main)
    assert provider.times == pytest.approx([0, 101], abs=0.01)


CHANGES: dict[str, Callable[[Shared, Lane], None]] = {
    "budget": lambda shared, lane: setattr(shared.budget, "spec", BudgetSpec(requests=3)),
    "pause": lambda shared, lane: setattr(shared.pause, "paused", False),
    "concurrency": lambda shared, lane: lane.refit(lane.limits.model_copy(update={"concurrency": 4})),
    "rpm": lambda shared, lane: lane.refit(lane.limits.model_copy(update={"rpm": 6000})),
}


@pytest.mark.parametrize("what", CHANGES)
def test_a_change_from_outside_wakes_whoever_waits_at_once(what: str) -> None:
    provider, rpm = Provider(seconds=500), 1 if what == "rpm" else None

    async def main() -> None:
        shared = shared_of(BudgetSpec(requests=2) if what == "budget" else None)
        lane = Lane("l", Limits(concurrency=1 if what == "concurrency" else 9, rpm=rpm), TARIFF, shared)
        shared.pause.paused = what == "pause"
        async with anyio.create_task_group() as group:
            for i in range(3):
                group.start_soon(waits, provider, lane.queue, asked(str(i)))
            await anyio.sleep(7)
            CHANGES[what](shared, lane)
            shared.pump()

    on_test_time(main)
    assert provider.times[-1] == pytest.approx(7, abs=0.2)


def test_what_one_lane_frees_of_a_shared_budget_wakes_the_other() -> None:
    slow, fast = Provider([Fault("bad_request", "free")], seconds=3), Provider()

    async def refused(call: Any) -> None:
        with pytest.raises(Fault):
            await call(asked("a", max_tokens=100))

    async def main() -> None:
        shared = shared_of(BudgetSpec(tokens=150))
        first, second = (Lane(name, Limits(concurrency=9), TARIFF, shared).queue for name in "ab")
        async with anyio.create_task_group() as group:
            group.start_soon(refused, enqueue(slow, first))
            group.start_soon(waits, fast, second, asked("b", max_tokens=100))

    on_test_time(main)
    assert fast.times == pytest.approx([3], abs=0.01)
