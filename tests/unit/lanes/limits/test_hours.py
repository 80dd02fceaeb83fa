"""Open hours: nothing passes outside of them."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import anyio
import pytest

from pipeline.core.clock import SYSTEM_ZONE, Clock, hours_of
from pipeline.lanes.limits.hours import OpenHours
from tests.support.clock import on_test_time
from tests.support.tickets import HOUR, ticket


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


def test_local_time_is_in_the_machines_zone() -> None:
    clock = Clock(0.0)
    assert clock.local(0.0).tzinfo is SYSTEM_ZONE
    assert clock.local(HOUR).timestamp() - clock.local(0.0).timestamp() == pytest.approx(HOUR, abs=0.1)
