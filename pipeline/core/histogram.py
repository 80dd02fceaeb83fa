"""A histogram in constant space: buckets 5% wide, for values of very different sizes (tokens, seconds).

Quantiles are right to 2.5%, and exact where all values are the same.
This module does not know what is counted.
"""

from __future__ import annotations

from math import ceil, exp, log

LOWEST, HIGHEST = 1e-4, 1e9  # values beyond them are counted, but their size in a quantile is not exact
GROWTH = 1.05
_LOG = log(GROWTH)
_LAST = ceil(log(HIGHEST / LOWEST) / _LOG)


class Histogram:
    """Counts of values by size. `low`, `high` and `sum` are exact, 0 while nothing is counted."""

    def __init__(self) -> None:
        self.count = 0
        self.sum = 0.0
        self.low = 0.0
        self.high = 0.0
        self._buckets: dict[int, int] = {}

    def add(self, value: float) -> None:
        """Count a value; ValueError where it is negative or not a number."""
        if not value >= 0:
            raise ValueError(f"a histogram holds no {value}")
        place = int(log(value / LOWEST) / _LOG) if value > LOWEST else 0
        place = min(place, _LAST)
        self._buckets[place] = self._buckets.get(place, 0) + 1
        self.low = min(self.low, value) if self.count else value
        self.high = max(self.high, value)
        self.count += 1
        self.sum += value

    def merge(self, other: Histogram) -> None:
        """Count what another has counted, too."""
        for place, count in other._buckets.items():
            self._buckets[place] = self._buckets.get(place, 0) + count
        if other.count:
            self.low = min(self.low, other.low) if self.count else other.low
            self.high = max(self.high, other.high)
        self.count += other.count
        self.sum += other.sum

    @property
    def mean(self) -> float:
        """The average, 0 while nothing is counted."""
        return self.sum / self.count if self.count else 0.0

    def quantile(self, q: float) -> float:
        """The value that a share `q` of all do not exceed: 0.5 is the median. 0 while nothing is counted."""
        wanted = max(1, ceil(q * self.count))
        if wanted >= self.count:
            return self.high
        seen = 0
        for place in sorted(self._buckets):
            seen += self._buckets[place]
            if seen >= wanted:
                break
        return min(max(LOWEST * exp(_LOG * (place + 0.5)), self.low), self.high)
