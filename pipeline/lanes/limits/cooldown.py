"""When a server refuses for the rate (429), the whole lane waits in one cool-down.

The wait is what the server told, never less; where it told nothing, it doubles from episode to episode,
with jitter. Refusals of what was sent before the cool-down began belong to the same episode.
This module does not know the rate that would have been right (`rate_finder.py`).
"""

from __future__ import annotations

from collections.abc import Callable
from math import inf
from random import uniform

from pipeline.core.domain import Fate, Fault, Reply
from pipeline.lanes.limits.limit import UNTIL_CHANGE, End, Limit, Ticket
from pipeline.wire.refusals import NO_ROOM

SHORTEST = 0.25
LONGEST = 60.0
STUBBORN = 3
"""episodes in a row without an answer, after which one request at a time tests whether they are over"""
WORTH_SAYING = 60.0
"""seconds; the user is told of longer waits"""


class Cooldown(Limit):
    """Holds a lane as long as the server told. `outage` seconds of refusals that tell no wait end the run."""

    name = "cooldown"

    def __init__(self, outage: float, say: Callable[[float], None]) -> None:
        self.until = 0.0
        self._outage = outage
        self._say = say
        self._since = -inf
        """when the latest episode began"""
        self._episodes = 0
        self._refused = 0.0
        """seconds in which nothing came but refusals that told no wait"""
        self._probe: Ticket | None = None
        self._asked = 0.0
        """when the last of them came; 0 where there was none"""

    @property
    def stubborn(self) -> bool:
        """Whether refusals have gone on, without an answer between them."""
        return self._episodes >= STUBBORN

    def delay(self, ticket: Ticket, now: float) -> float:
        """Seconds that are left. Raises a fault that stops the run when refusals do not end."""
        if self._refused > self._outage:
            message = f"for {self._outage:g} s the server has refused every request for its rate (429)"
            raise Fault("refusing", message, fate=Fate.STOP)
        return UNTIL_CHANGE if self._probe is not None else max(self.until - now, 0.0)

    def take(self, ticket: Ticket, now: float) -> None:
        """After many refusals in a row, this request tests for all others."""
        if self.stubborn:
            self._probe = ticket

    def settle(self, ticket: Ticket, end: End, now: float) -> None:
        """Hear of a refusal, or of a success that ends them."""
        if ticket is self._probe:
            self._probe = None
        if isinstance(end, Reply) and ticket.sent > self._since:
            self._episodes = 0
            self._forgive()
        if not isinstance(end, Fault) or (end.kind != "rate_limited" and end.wait is None):
            return
        if end.kind == NO_ROOM:  # it may name a wait, which is for this tier alone
            return
        if end.wait is not None:
            self._forgive()
            self._cool(now + end.wait, now)
        elif ticket.sent > self._since:
            self._count(now)
            longest = min(LONGEST, SHORTEST * 2.0 ** min(self._episodes, 10))
            self._cool(now + uniform(longest / 2, longest), now)  # noqa: S311 - not a secret
        if ticket.sent > self._since:
            self._episodes += 1
            self._since = now

    def _forgive(self) -> None:
        self._refused = self._asked = 0.0

    def _count(self, now: float) -> None:
        """Add what has passed since the last refusal, but not the hours in which nothing was sent."""
        if self._asked:
            self._refused += min(now - self._asked, 2 * LONGEST)
        self._asked = now

    def _cool(self, until: float, now: float) -> None:
        if until > self.until:
            announced = self.until - now > WORTH_SAYING
            self.until = until
            if until - now > WORTH_SAYING and not announced:
                self._say(until)
