"""Limits that go by the clock: hours, pauses, deadlines."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from math import inf

import anyio
import pytest

from pipeline.core.clock import SYSTEM_ZONE, Clock, hours_of
from pipeline.core.domain import Fate, Fault
from pipeline.lanes.limits.deadline import Deadline
from pipeline.lanes.limits.hours import OpenHours
from pipeline.lanes.limits.pause import Pause
from tests.support.clock import on_test_time
from tests.support.tickets import HOUR, answered, ticket

# limits


def test_nothing_passes_until_the_hours_open() -> None:
    async def main() -> tuple[float, float]:
        loop = asyncio.get_running_loop()
        clock = Clock(loop.time())
        opens = clock.local(loop.time()) + timedelta(hours=5)
        limit = OpenHours(hours_of(f"{opens:%H:%M}-{opens + timedelta(hours=1):%H:%M}"), clock)
        wait = limit.delay(ticket(), loop.time())
        await anyio.sleep(wait)
        return wait, limit.delay(ticket(), loop.time())

    wait, then = on_test_time(main)
    assert 3.9 * HOUR < wait < 6.1 * HOUR
    assert then < 1


def test_a_pause_holds_until_it_is_taken_back() -> None:
    pause = Pause()
    assert pause.delay(ticket(), 0.0) == 0
    pause.paused = True
    assert pause.delay(ticket(), 9e9) == inf
    pause.paused = False
    assert pause.delay(ticket(), 0.0) == 0


def test_a_deadline_lets_pass_what_may_end_in_time() -> None:
    clock = Clock(100.0)
    limit = Deadline(clock.at(100.0) + HOUR, clock)
    assert limit.delay(ticket(), 100.0) == 0
    assert limit.delay(ticket(), 100.0 + HOUR - 1) == 0
    with pytest.raises(Fault, match="the time set for this run was over at") as error:
        limit.delay(ticket(), 100.0 + HOUR + 1)
    assert error.value.kind == "deadline"
    assert error.value.fate is Fate.STOP


def test_a_deadline_sets_aside_the_time_that_nearly_all_answers_take() -> None:
    clock = Clock(0.0)
    limit = Deadline(clock.at(0.0) + HOUR, clock)
    for _ in range(97):
        limit.settle(ticket(), answered(20.0), 30.0)
    for _ in range(3):
        limit.settle(ticket(), answered(900.0), 1000.0)
    limit.settle(ticket(), Fault("server_error", "slow", fate=Fate.RETRY), 3000.0)
    limit.settle(ticket(), None, 3000.0)
    assert limit.latency == pytest.approx(20, rel=0.2)
    assert limit.delay(ticket(), HOUR - 30) == 0
    with pytest.raises(Fault, match="an answer takes up to"):
        limit.delay(ticket(), HOUR - 10)


def test_where_a_reply_does_not_say_how_long_it_took_the_deadline_counts_itself() -> None:
    clock = Clock(0.0)
    limit = Deadline(clock.at(0.0) + HOUR, clock)
    limit.settle(ticket(sent=100.0), answered(0.0), 160.0)
    assert limit.latency == pytest.approx(60, rel=0.2)


def test_local_time_is_in_the_machines_zone() -> None:
    clock = Clock(0.0)
    assert clock.local(0.0).tzinfo is SYSTEM_ZONE
    assert clock.local(HOUR).timestamp() - clock.local(0.0).timestamp() == pytest.approx(HOUR, abs=0.1)
