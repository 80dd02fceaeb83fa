"""What one limit hears of an ended request lets nobody through before all others have heard of it."""

from __future__ import annotations

from dataclasses import dataclass, field

import anyio
import pytest

from pipeline.core.domain import Reply
from pipeline.lanes.guards.queue import Queue, enqueue
from pipeline.lanes.limits.limit import End, Limit, Ticket
from tests.support.clock import on_test_time
from tests.support.fakes import Provider, asked, outcomes
from tests.support.gate import Gate, line


@dataclass
class Waking(Limit):
    """A limit that wakes its queue as soon as a request has ended, as the budget does."""

    queues: list[Queue] = field(default_factory=list)

    def settle(self, ticket: Ticket, end: End, now: float) -> None:
        for queue in self.queues:
            queue.pump()


@dataclass
class Late(Limit):
    """A limit that holds everybody up for a while after a request has ended."""

    opens: float = 0.0

    def delay(self, ticket: Ticket, now: float) -> float:
        return max(self.opens - now, 0.0)

    def settle(self, ticket: Ticket, end: End, now: float) -> None:
        self.opens = now + 50


def test_a_limit_that_hears_last_still_holds_up_the_next_request() -> None:
    provider, slots, waking = Provider(seconds=1), Gate(slots=1), Waking()
    queue = line(slots, waking, Late())
    waking.queues.append(queue)

    async def main() -> list[float]:
        with anyio.fail_after(1000):
            results = await outcomes(enqueue(provider, queue), [asked("a"), asked("b")])
        assert all(isinstance(result, Reply) for result in results)
        return provider.times

    assert on_test_time(main) == pytest.approx([0, 51], abs=0.01)
