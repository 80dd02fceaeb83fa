"""A pilot: some records, drawn at random and really run, and what the rest will cost, judging by them.

This module sends nothing: it is told what each record has cost.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from math import sqrt
from statistics import NormalDist, fmean, stdev

CONFIDENCE = 0.95


@dataclass(frozen=True, slots=True)
class Interval:
    """An estimate and the bounds between which the truth lies, 95 times in 100."""

    mean: float
    low: float
    high: float


@dataclass
class Costs:
    """What each record of a pilot has cost and used: nano-dollars and tokens, over all its requests."""

    cost: Counter[str] = field(default_factory=Counter)
    tokens: Counter[str] = field(default_factory=Counter)

    def note(self, key: str, cost: int, tokens: int) -> None:
        """Hear of one answer of a record."""
        self.cost[key] += cost
        self.tokens[key] += tokens


@dataclass(frozen=True)
class Pilot:
    """What a pilot has shown. `records` is how many of its records asked anything; `rest` what is left."""

    records: int
    rest: int
    requests: int
    ok: int
    failed: int
    spent: int
    """nano-dollars"""
    priced: bool
    cost: Interval
    """nano-dollars for the rest"""
    tokens: Interval
    """tokens for the rest"""


def extrapolated(values: Sequence[float], rest: int) -> Interval:
    """The sum over `rest` more records like these: the mean, and Student's interval of a prediction."""
    if not values or rest <= 0:
        return Interval(0.0, 0.0, 0.0)
    mean = fmean(values)
    if len(values) == 1:
        return Interval(mean * rest, 0.0, float("inf"))
    error = stdev(values) * sqrt(1 / len(values) + 1 / rest)
    half = student(len(values) - 1) * error * rest
    return Interval(mean * rest, max(0.0, mean * rest - half), mean * rest + half)


def student(freedom: int, confidence: float = CONFIDENCE) -> float:
    """The two-sided quantile of Student's t (Cornish-Fisher expansion, Abramowitz and Stegun 26.7.5)."""
    z = NormalDist().inv_cdf(0.5 + confidence / 2)
    first = (z**3 + z) / 4
    second = (5 * z**5 + 16 * z**3 + 3 * z) / 96
    third = (3 * z**7 + 19 * z**5 + 17 * z**3 - 15 * z) / 384
    return z + first / freedom + second / freedom**2 + third / freedom**3
