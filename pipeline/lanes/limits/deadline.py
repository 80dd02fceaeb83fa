"""The end that a user sets for a run: nothing is sent that would not be answered in time.

How long an answer takes is learned from those that came. This limit does not know what ends the run.
"""

from __future__ import annotations

from datetime import datetime

from pipeline.core.clock import SYSTEM_ZONE, Clock, spoken
from pipeline.core.domain import Fate, Fault, Reply
from pipeline.core.histogram import Histogram
from pipeline.lanes.limits.limit import End, Limit, Ticket

SHARE = 0.95
"""this share of all answers comes within the time that is planned for one"""


class Deadline(Limit):
    """Nothing passes that would end after `until` (Unix time): a `Fault` "deadline" that stops the run."""

    name = "deadline"

    def __init__(self, until: float, clock: Clock, first: float = 0.0) -> None:
        self.until = until
        self.clock = clock
        self._first = first
        self._seconds = Histogram()

    @property
    def latency(self) -> float:
        """Seconds within which nearly all answers came; before the first one, `first` (of an earlier run)."""
        return self._seconds.quantile(SHARE) if self._seconds.count else self._first

    def delay(self, ticket: Ticket, now: float) -> float:
        if self.clock.at(now) + self.latency > self.until:
            raise Fault("deadline", self._reason(now), fate=Fate.STOP)
        return 0.0

    def settle(self, ticket: Ticket, end: End, now: float) -> None:
        if isinstance(end, Reply):
            self._seconds.add(end.seconds or now - ticket.sent)

    def _reason(self, now: float) -> str:
        ends = spoken(datetime.fromtimestamp(self.until, SYSTEM_ZONE), self.clock.local(now))
        if self.clock.at(now) > self.until:
            return f"the time set for this run was over at {ends}"
        return f"the run ends at {ends}, and an answer can take {self.latency:,.1f} s: too late for another"
