"""What is changed of a live run lets those pass at once that it was holding up."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import anyio
import pytest

from pipeline.job.models import Limits
from pipeline.job.spec import BudgetSpec
from pipeline.lanes.guards.queue import enqueue
from pipeline.lanes.lane import Lane
from pipeline.money.tariff import Tariff
from pipeline.runs.control.steering import Steering
from tests.support.clock import on_test_time
from tests.support.fakes import Events, Provider, asked
from tests.support.lanes import shared_of

CHANGES = {
    "models.writer.limits.concurrency": (Limits(concurrency=1), None, "4"),
    "models.writer.limits.rpm": (Limits(rpm=1), None, "6000"),
    "models.writer.limits.tpm": (Limits(tpm=10), None, "1000000"),
    "models.writer.limits.rpd": (Limits(rpd=1), None, "100"),
    "budget.requests": (Limits(concurrency=9), BudgetSpec(requests=1), "50"),
}


@pytest.mark.parametrize("path", CHANGES)
def test_whoever_waits_passes_as_soon_as_the_limit_that_holds_it_up_is_raised(path: str) -> None:
    limits, budget, value = CHANGES[path]
    provider = Provider(seconds=500)

    async def main() -> None:
        shared = shared_of(budget)
        lane = Lane("writer", limits, Tariff(None, free=True), shared)
        lanes = SimpleNamespace(
            limits={"writer": limits}, most_at_once=lambda name: 99, refit=lambda name, new: lane.refit(new)
        )
        run: Any = SimpleNamespace(shared=shared, lanes=lanes, events=Events(), say=lambda words: None)
        call = enqueue(provider, lane.queue)
        async with anyio.create_task_group() as group:
            for i in range(2):
                group.start_soon(call, asked(str(i)))
            await anyio.sleep(7)
            assert len(provider.times) == 1
            Steering(run).set([(path, value)])

    on_test_time(main)
    assert provider.times[1] == pytest.approx(7, abs=0.3)
