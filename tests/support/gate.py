"""The line before a lane, with a gate of the tests' own in it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import anyio

from pipeline.core.domain import Fault, Request
from pipeline.job.models import Price
from pipeline.lanes.guards.queue import Queue
from pipeline.lanes.limits.limit import UNTIL_CHANGE, End, Limit, Ticket
from pipeline.money.estimate import Expected
from pipeline.money.prices import price_of
from pipeline.money.tariff import Tariff

TARIFF = Tariff(price_of("m", "http://x", Price(input=1, output=1).model_dump(exclude_none=True)))


@dataclass
class Gate(Limit):
    """Slots, a time before which nobody passes, and a fault; it keeps what it heard."""

    name = "gate"
    slots: int = 1
    opens: float = 0.0
    fault: Fault | None = None
    taken: list[Ticket] = field(default_factory=list)
    ends: list[End] = field(default_factory=list)

    def delay(self, ticket: Ticket, now: float) -> float:
        if self.fault is not None:
            raise self.fault
        if len(self.taken) - len(self.ends) >= self.slots:
            return UNTIL_CHANGE
        return max(self.opens - now, 0.0)

    def take(self, ticket: Ticket, now: float) -> None:
        self.taken.append(ticket)

    def settle(self, ticket: Ticket, end: End, now: float) -> None:
        self.ends.append(end)


def line(*limits: Limit) -> Queue:
    """A line that these limits hold up."""
    return Queue("lane", limits, lambda _: Expected(1, 1, 1))


async def ask_all(call: Any, requests: list[Request]) -> None:
    """Ask all at once, and wait until all have come back."""
    async with anyio.create_task_group() as group:
        for request in requests:
            group.start_soon(call, request)
