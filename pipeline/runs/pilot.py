"""A pilot: some records, drawn at random, are really run, to estimate what the rest will cost.

What the records cost is in the journal, also from earlier runs: this module only notes their requests.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from math import inf, sqrt
from statistics import NormalDist, fmean, stdev

from pipeline.core.domain import Call, Reply, Request

CONFIDENCE = 0.95
_FEW = {1: 12.706, 2: 4.303}


@dataclass(frozen=True, slots=True)
class Interval:
    """An estimate, and the bounds between which the true value lies 95 times in 100."""

    mean: float
    low: float
    high: float


@dataclass
class Asked:
    """The digests of the requests that each of `n` records makes, known to the journal or not.

    A request that several records share belongs to the first of them.
    """

    n: int
    by_record: dict[str, list[bytes]] = field(default_factory=dict)
    _seen: set[bytes] = field(default_factory=set)

    def noted(self, call: Call) -> Call:
        """A call that notes each request and its fallback requests."""

        async def ask(request: Request) -> Reply:
            digests = self.by_record.setdefault(request.key, [])
            for one in request.either:
                if one.digest not in self._seen:
                    self._seen.add(one.digest)
                    digests.append(one.digest)
            return await call(request)

        return ask


@dataclass(frozen=True)
class Pilot:
    """What a pilot has shown.

    `records` is how many of those drawn needed a request, in this run or an earlier one; `rest` is how many
    of all records are left.
    """

    records: int
    rest: int
    requests: int
    ok: int
    failed: int
    spent: int
    """nano-dollars of this pilot's own requests"""
    priced: bool
    cost: Interval
    """nano-dollars for the rest"""
    tokens: Interval
    """tokens for the rest"""
    maybe: int = 0
    """attempts for its records that may have been billed; no estimate counts them"""


def extrapolated(values: Sequence[float], rest: int) -> Interval:
    """The sum over `rest` more records like these: the mean, and Student's interval of a prediction."""
    if not values or rest <= 0:
        return Interval(0.0, 0.0, 0.0)
    mean = fmean(values)
    if len(values) == 1:
        return Interval(mean * rest, 0.0, inf)
    error = stdev(values) * sqrt(1 / len(values) + 1 / rest)
    half = student(len(values) - 1) * error * rest
    return Interval(mean * rest, max(0.0, mean * rest - half), mean * rest + half)


def student(freedom: int) -> float:
    """The two-sided quantile of Student's t (Cornish-Fisher expansion, Abramowitz and Stegun 26.7.5)."""
    if freedom in _FEW:
        return _FEW[freedom]  # the expansion is too narrow there
    z = NormalDist().inv_cdf(0.5 + CONFIDENCE / 2)
    first = (z**3 + z) / 4
    second = (5 * z**5 + 16 * z**3 + 3 * z) / 96
    third = (3 * z**7 + 19 * z**5 + 17 * z**3 - 15 * z) / 384
    return z + first / freedom + second / freedom**2 + third / freedom**3
