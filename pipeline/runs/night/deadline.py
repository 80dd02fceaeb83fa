"""By when everything is to be done, and from when on the rest no longer goes by batch.

Before the hour lies a *risk buffer*: the time that the missing requests take when they are sent one by one,
twice over, and the time in which a server ends a batch. This module does not know batches.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from pipeline.lanes.lane import Lane

CANCELLING = 600.0
"""seconds that a server may take to end a batch"""
LEAST = 900.0
USUAL_SECONDS = 20.0
"""seconds that an answer is assumed to take before there are any"""
USUAL_WIDTH = 8
REPAIRS = 1.25
"""requests for each step that is still to be taken, with repairs"""
SAFETY = 2.0


@dataclass(frozen=True)
class Deadline:
    """The hour (Unix time) by which all is to be done, and the length of the buffer, where that is given."""

    by: float
    buffer: float | None = None

    def alone(self, requests: int, chain: int, lanes: Iterable[Lane], usual: float) -> float:
        """Seconds that so many requests take when they are sent one by one, `chain` of them in a row."""
        seconds = usual or USUAL_SECONDS
        rates = [_rate(lane, seconds) for lane in lanes]
        return REPAIRS * requests / min(rates, default=1.0) + chain * seconds

    def begins(self, alone: float) -> float:
        """When the buffer begins, if the missing requests take so many seconds."""
        length = max(LEAST, SAFETY * alone + CANCELLING) if self.buffer is None else self.buffer
        return self.by - length

    def last(self, alone: float) -> float:
        """The last moment at which the rest can be sent one by one, and be in time for sure."""
        return self.by - SAFETY * alone

    def lane(self, now: float, alone: float, *, flex: bool) -> str:
        """How a model of the lane batch is asked now: batch before the buffer, then flex, then sync."""
        begins = self.begins(alone)
        if now < begins:
            return "batch"
        return "flex" if flex and now < (begins + self.last(alone)) / 2 else "sync"


def _rate(lane: Lane, seconds: float) -> float:
    """Requests a second that a lane answers."""
    rate = max(lane.concurrency.width, USUAL_WIDTH) / seconds
    return rate if lane.limits.rpm is None else min(rate, lane.limits.rpm / 60)
