"""Which refusals of a server ("too many requests") mean that fewer requests may be in flight.

Requests that were under way when the width was cut prove nothing about the new width: a burst of refusals
is one episode, and one cut. Where a rate is known, a refusal means that the rate was too high, unless
refusals go on for several periods.
This module does not know the width.
"""

from __future__ import annotations

from math import inf

STUBBORN = 4
"""periods in a row, with many refusals in each, after which a known rate no longer explains them"""
MANY = 0.25
"""refusals are many from this share of the requests that ended in a period"""
SHORTEST = 1.0
"""seconds of a period at the least"""


class Refusals:
    """Decides which refusals ask for a cut. Times are seconds on the loop's clock."""

    def __init__(self) -> None:
        self._cut = -inf
        self._since = -inf
        self._refused = self._served = 0
        self._stubborn = 0

    def served(self) -> None:
        """Note a request that was not refused."""
        self._served += 1

    def refused(self, sent: float, now: float, latency: float, paced: bool) -> bool:
        """Note a refusal; True if it asks for a cut."""
        if sent <= self._cut:
            return False
        if paced and not self._goes_on(now, max(SHORTEST, 2 * latency)):
            return False
        self._cut = now
        return True

    def is_of_the_burst(self, sent: float) -> bool:
        """Whether a request was under way when the width was cut."""
        return sent <= self._cut

    def _goes_on(self, now: float, period: float) -> bool:
        if now - self._since > 2 * period:
            self._open(now)
            self._stubborn = 0
        self._refused += 1
        if now - self._since < period:
            return False
        many = self._refused >= MANY * (self._refused + self._served)
        self._stubborn = self._stubborn + 1 if many else 0
        self._open(now)
        if self._stubborn < STUBBORN:
            return False
        self._stubborn = 0
        return True

    def _open(self, now: float) -> None:
        self._since = now
        self._refused = self._served = 0
