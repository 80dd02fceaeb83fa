"""The hours of a lane: outside them nothing is sent, and a run waits for them.

Requests under way when the hours end are finished. This limit does not know why there are hours.
"""

from __future__ import annotations

from pipeline.core.clock import Clock, Hours
from pipeline.lanes.limits.limit import Limit, Ticket


class OpenHours(Limit):
    """Nothing passes outside the hours."""

    name = "hours"

    def __init__(self, hours: Hours, clock: Clock) -> None:
        self.hours = hours
        self.clock = clock

    def delay(self, ticket: Ticket, now: float) -> float:
        return self.hours.wait(self.clock.local(now))
