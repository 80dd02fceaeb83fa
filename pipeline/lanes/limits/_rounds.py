"""What one round at one width showed, and the meter that measures it.

Throughput is taken from Little's law: requests in flight over mean latency. Where a server answers in
bursts, a count of replies over a short time would be wrong, and this is not.
This module does not know what is decided from a round.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from math import inf, log, sqrt

FULL = 0.9
"""a round in which fewer of the slots were used, on average, says nothing about the width"""
FAULTY = 0.05
"""a round in which more of the tries met a faulty server says nothing either"""
SHORTEST = 0.2
"""seconds of a round at the least"""
_FLOOR = 0.01
"""relative error that no number of replies brings down: latencies drift"""
_LEAST_SPREAD = 0.16
"""spread that is taken for granted: few replies cannot prove that there is none"""
_MEMORY = 16
"""rounds that a pooled round remembers"""


SPARE = 1.05
"""width kept past the knee, so that no slot of the server waits for us"""


class Stage(Enum):
    """What the rounds are for."""

    RISE = "rise"
    FALL = "fall"
    HOLD = "hold"
    UP = "up"
    DOWN = "down"
    MEND = "mend"


@dataclass(frozen=True, slots=True)
class Plan:
    """What a round needs before it is judged: replies and seconds.

    Counting begins after `settling` mean latencies; a `fresh` round counts only requests sent in it.
    """

    replies: int
    seconds: float = SHORTEST
    settling: float = 0.0
    fresh: bool = False


@dataclass(frozen=True, slots=True)
class Round:
    """Some replies at one width, with their mean latency in seconds and the mean number in flight.

    `spread` is the latency's squared coefficient of variation. `telling` is False where the slots were not
    full, or the server was at fault.
    """

    width: int
    replies: float
    latency: float
    spread: float
    in_flight: float
    seconds: float = 0.0
    telling: bool = True

    @property
    def rate(self) -> float:
        """Replies a second."""
        return self.in_flight / self.latency

    def pooled(self, other: Round) -> Round:
        """This round and a newer one of the same width, as one."""
        before = min(self.replies, _MEMORY * other.replies)
        share = other.replies / (before + other.replies)
        return Round(
            self.width,
            before + other.replies,
            self.latency + share * (other.latency - self.latency),
            self.spread + share * (other.spread - self.spread),
            self.in_flight + share * (other.in_flight - self.in_flight),
        )

    def drift(self, other: Round) -> float:
        """How many standard errors the latency of a newer round lies above this one's."""
        return log(other.latency / self.latency) / self._error(other)

    def elasticity(self, other: Round) -> tuple[float, float]:
        """How much throughput changed with a change in width, with its standard error.

        1 where throughput grew or fell as the width did, 0 where it stayed.
        """
        change = log(other.width / self.width)
        elasticity = log(other.rate / self.rate) / change
        impossible = max(elasticity - 1, -elasticity)
        return elasticity, max(self._error(other) / abs(change), 2 * impossible)

    def _error(self, other: Round) -> float:
        # waiting in a queue evens latencies out, but not the throughput behind them: the wider spread holds
        spread = max(self.spread, other.spread, _LEAST_SPREAD)
        return sqrt(spread / self.replies + spread / other.replies + _FLOOR**2)


def knee(high: Round, low: Round) -> int:
    """The width between two at which throughput stops growing, with a little to spare."""
    width = int(high.rate * low.latency * SPARE + 0.5)
    return max(low.width, min(width, high.width))


class Meter:
    """Adds up what is in flight, and the replies of the round that runs. O(1) for each request."""

    def __init__(self) -> None:
        self.in_flight = 0
        self.replies = 0
        self._sum = self._squares = 0.0
        self._faults = 0
        self._full = False
        self._area = 0.0
        self._last = -inf
        self._started = self._sent_after = -inf
        self._area_before = 0.0

    def begin(self, now: float, settling: float, fresh: bool) -> None:
        """Start a round, to count from `settling` seconds on; where `fresh`, only what is sent from now."""
        if self._last == -inf:
            self._last = now
        self._advance(now)
        self.replies = self._faults = 0
        self._sum = self._squares = 0.0
        self._full = False
        self._started = now + settling
        self._area_before = self._area
        self._sent_after = now if fresh else -inf

    def took(self, width: int, now: float) -> None:
        """One more is in flight."""
        self._advance(now)
        self.in_flight += 1
        if self.in_flight >= width:
            self._full = True

    def ended(self, now: float) -> None:
        """One less is in flight."""
        self._advance(now)
        self.in_flight -= 1

    def replied(self, sent: float, now: float) -> None:
        """Count a reply."""
        if now < self._started or sent < self._sent_after:
            return
        seconds = now - sent
        self.replies += 1
        self._sum += seconds
        self._squares += seconds * seconds

    def failed(self, now: float) -> None:
        """Count a try that met a faulty server."""
        if now >= self._started:
            self._faults += 1

    def seconds(self, now: float) -> float:
        """How long the round has been counting."""
        return now - self._started

    def round(self, width: int, now: float) -> Round:
        """The round as it stands."""
        self._advance(now)
        seconds = max(now - self._started, 1e-9)
        in_flight = (self._area - self._area_before) / seconds
        latency = max(self._sum / self.replies, 1e-9)
        spread = max(0.0, self._squares / self.replies / latency**2 - 1)
        full = self._full and in_flight >= FULL * width
        sound = self._faults <= FAULTY * (self.replies + self._faults)
        return Round(width, self.replies, latency, spread, max(in_flight, 1e-9), seconds, full and sound)

    def _advance(self, now: float) -> None:
        if now > self._last:
            if self._last < self._started <= now:
                self._area_before = self._area + self.in_flight * (self._started - self._last)
            self._area += self.in_flight * (now - self._last)
            self._last = now
