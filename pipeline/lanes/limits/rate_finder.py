"""Finds the rate of a server that does not tell it, from the moments at which it refuses.

A bucket that refuses is empty. Between two refusals it was empty at both ends, so what it let through in
between, divided by the time, *is* its rate, unless it was full and overflowed meanwhile. From there the rate
is raised, slowly at first and then faster, until the next refusal measures it again. It is never set below
the rate that held before the last raise. The more often the same rate is found, the longer it is left alone.
This module does no I/O and holds nothing up; it sets the rate of a `Rate`.
"""

from __future__ import annotations

from itertools import takewhile
from math import inf

from pipeline.core.domain import Fault, Reply
from pipeline.lanes.limits.limit import End, Limit, Ticket
from pipeline.lanes.limits.rate import MINUTE, Rate

LEAST_COUNT = 4
"""requests between two refusals that are enough to measure by"""
LEAST_SECONDS = 1.0
RAISE_EVERY = 1.0
"""seconds between two raises"""
FIRST_RAISE, LARGEST_RAISE = 0.04, 0.5
FEW, SOON, FIRST_RAISE_OF_FEW = 8, 10.0, 0.16
"""where so few have passed within so many seconds when a rate is first found, the width held it down"""
SAME = 0.1
"""rates that differ by no more are the same"""
LONGEST_HOLD = 30.0
"""seconds that a rate is left alone at the most"""
MOST_LOST = 0.5
"""what is left of a found rate at the least: a small bucket that overflows is measured too low"""
RARE = 0.2
"""the share of refusals below which they are rare: a rate that is too high is refused more often"""
LEAST_OF_BEST = 0.5
TOO_SOON = 0.9
"""what is left of a found rate when a refusal comes before anything could be measured"""
NEVER = -inf
FORGET = 64.0
"""a found rate that has grown so many times above the first one is dropped"""


class RateFinder(Limit):
    """Sets the rate of `pace` to what is found, within `known`: the limit that was configured or told."""

    def __init__(self, pace: Rate) -> None:
        self._pace = pace
        self.known = pace.limit
        self.found: float | None = None
        """requests a minute, once a refusal has taught it"""
        self._first = 0.0
        self._mark = NEVER
        self._passed = self._marked = 0
        self._number = 0
        self._open: dict[Ticket, int] = {}
        self._episode = NEVER
        self._raise = FIRST_RAISE
        self._raised = 0.0
        self._before: float | None = None
        """what the rate was before its last raise since the last refusal"""
        self._measured = self._hold = self._best = 0.0
        self._refusals = 0
        """episodes since the mark"""
        self._resumed = True

    def know(self, limit: float | None) -> None:
        """Take a limit that the user set or the server told."""
        if limit != self.known:
            self.known = limit
            self._apply()

    def _apply(self) -> None:
        self._pace.limit, self._pace.found = self.known, self.found

    def take(self, ticket: Ticket, now: float) -> None:
        """Count it as let through until it is refused: answers may take long, refusals do not."""
        self._passed += 1
        self._number += 1
        self._open[ticket] = self._number
        idle = now - self._episode - MINUTE
        if not self._resumed:
            self._resumed = True
            self._mark += max(idle, 0.0)  # a wait of hours says nothing about a rate a minute

    def settle(self, ticket: Ticket, end: End, now: float) -> None:
        """Learn from a refusal; raise the rate while there are none."""
        number = self._open.pop(ticket, 0)
        refused = isinstance(end, Fault) and end.kind == "rate_limited"
        if (refused or end is None) and number > self._marked:
            self._passed -= 1
        if refused and ticket.sent > self._episode:
            self._refused(now, self._passed - self._behind(number))
        elif isinstance(end, Reply):
            self._climb(now)

    def _behind(self, number: int) -> int:
        """How many that were sent after this one are not answered yet: they will be refused, too."""
        return sum(1 for _ in takewhile(lambda other: other > number, reversed(self._open.values())))

    def _refused(self, now: float, passed: int) -> None:
        self._episode = now
        self._refusals += 1
        self._resumed = False
        climbed = self.found is not None and self.found > self._first * (1 + SAME)
        before, self._before = self._before if climbed else None, None
        seconds = now - self._mark
        slow = self.found is None and passed < FEW and seconds < SOON
        self._raise = FIRST_RAISE_OF_FEW if slow else FIRST_RAISE
        if self._mark == NEVER:
            self._mark, self._marked, self._passed = now, self._number, 0
        elif passed >= LEAST_COUNT and seconds >= LEAST_SECONDS:
            measured = passed / seconds * MINUTE
            same = abs(measured - self._measured) <= SAME * measured
            self._hold = min(max(0.5, 2 * self._hold), LONGEST_HOLD) if same else 0.0
            self._measured = measured
            if self.found is not None:
                measured = min(max(measured, before or self.found * MOST_LOST), self.found)
            self._lower(measured, passed)
            self._first = self.found or measured
            self._mark, self._marked, self._passed, self._refusals = now, self._number, 0, 0
        elif self.found is not None:
            self._lower(before or self.found * TOO_SOON, passed)
        self._raised = now + self._hold

    def _lower(self, rate: float, passed: int) -> None:
        """Keep to a lower rate; not far below the best, or the one that is known, while refusals are rare.

        Some servers refuse now and then whatever the rate, and every refusal would lower it again.
        """
        if self._refusals >= RARE * (passed + self._refusals):
            self._best = rate
        self._best = max(self._best, rate, self.known or 0.0)
        self.found = max(rate, self._best * LEAST_OF_BEST)
        self._apply()

    def _climb(self, now: float) -> None:
        """Raise the found rate while nothing is refused."""
        if self.found is None or now - self._raised < RAISE_EVERY:
            return
        self._raised, self._before = now, self.found
        self.found *= 1.0 + self._raise
        self._raise = min(self._raise * 2, LARGEST_RAISE)
        if self.found > FORGET * self._first:
            self.found, self._mark = None, NEVER
        self._apply()
