"""Finds the rate of a server that does not tell it, from the moments at which it refuses.

A bucket that refuses is empty. Between two refusals it was empty at both ends, so what it let through in
between, divided by the time, *is* its rate, whatever its size and however the time was spent. From there
the rate is raised, slowly at first and then faster, until the next refusal measures it again.
This module does no I/O and holds nothing up; it sets the limit of a `Pace`.
"""

from __future__ import annotations

from math import inf

from pipeline.domain import Fault, Reply
from pipeline.limits._base import End, Limit, Ticket
from pipeline.limits.pace import MINUTE, Pace

LEAST_COUNT = 5
"""requests between two refusals that are enough to measure by"""
LEAST_SECONDS = 1.0
RAISE_EVERY = 1.0
"""seconds between two raises"""
FIRST_RAISE, LARGEST_RAISE = 0.01, 0.5
TOO_SOON = 0.9
"""what is left of a found rate when a refusal comes before anything could be measured"""
NEVER = -inf
FORGET = 64.0
"""a found rate so many times above the first one binds nobody any more"""


class Finder(Limit):
    """Sets what is found into `pace`, never above `known`: the limit that was configured or told."""

    def __init__(self, pace: Pace) -> None:
        self._pace = pace
        self.known = pace.limit
        self.found: float | None = None
        """requests a minute, once a refusal has taught it"""
        self._first = 0.0
        self._mark = NEVER
        self._passed = 0
        self._episode = NEVER
        self._raise = FIRST_RAISE
        self._raised = 0.0

    def know(self, limit: float | None) -> None:
        """Hear of a limit that the user set or the server told."""
        if limit != self.known:
            self.known = limit
            self._apply()

    def _apply(self) -> None:
        limits = [limit for limit in (self.known, self.found) if limit is not None]
        self._pace.limit = min(limits, default=None)

    def take(self, ticket: Ticket, now: float) -> None:
        """Count it as let through until it is refused: answers may take long, refusals do not."""
        self._passed += 1

    def settle(self, ticket: Ticket, end: End, now: float) -> None:
        """Learn from a refusal; raise the rate while there are none."""
        refused = isinstance(end, Fault) and end.kind == "rate_limited"
        if (refused or end is None) and ticket.sent >= self._mark:
            self._passed -= 1
        if refused and ticket.sent > self._episode:
            self._refused(now)
        elif isinstance(end, Reply):
            self._climb(now)

    def _refused(self, now: float) -> None:
        self._episode = self._raised = now
        self._raise = FIRST_RAISE
        seconds = now - self._mark
        if self._mark == NEVER:
            self._mark, self._passed = now, 0
        elif self._passed >= LEAST_COUNT and seconds >= LEAST_SECONDS:
            measured = self._passed / seconds * MINUTE
            self.found = measured if self.found is None else min(measured, self.found)
            self._first = self.found
            self._mark, self._passed = now, 0
            self._apply()
        elif self.found is not None:
            self.found *= TOO_SOON
            self._apply()

    def _climb(self, now: float) -> None:
        """Raise the found rate while nothing is refused."""
        if self.found is None or now - self._raised < RAISE_EVERY:
            return
        self._raised = now
        self.found *= 1.0 + self._raise
        self._raise = min(self._raise * 2, LARGEST_RAISE)
        if self.found > FORGET * self._first:
            self.found, self._mark = None, NEVER
        self._apply()
