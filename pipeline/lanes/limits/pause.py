"""The pause that a user orders: nothing is sent until somebody resumes.

Requests under way are finished. This limit does not know who may order it, and does not wake the queue:
the caller that resets `paused` does.
"""

from __future__ import annotations

from pipeline.lanes.limits.limit import UNTIL_CHANGE, Limit, Ticket


class Pause(Limit):
    """Nothing passes while `paused`."""

    name = "paused"

    def __init__(self) -> None:
        self.paused = False

    def delay(self, ticket: Ticket, now: float) -> float:
        return UNTIL_CHANGE if self.paused else 0.0
