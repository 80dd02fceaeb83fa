"""The histogram against the values themselves."""

from __future__ import annotations

import random
from functools import reduce
from math import ceil, inf, isclose, nan
from operator import add

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.core.histogram import GROWTH, HIGHEST, LOWEST, Histogram

VALUES = st.floats(LOWEST, HIGHEST)


def histogram(values: list[float]) -> Histogram:
    made = Histogram()
    for value in values:
        made.add(value)
    return made


@given(st.lists(VALUES, min_size=1, max_size=200), st.floats(0, 1))
def test_a_quantile_is_right_to_half_a_bucket(values: list[float], q: float) -> None:
    exact = sorted(values)[max(1, ceil(q * len(values))) - 1]
    assert isclose(histogram(values).quantile(q), exact, rel_tol=GROWTH**0.5 - 1 + 1e-9)


@given(VALUES, st.integers(1, 50), st.floats(0, 1))
def test_what_is_always_the_same_is_exact(value: float, times: int, q: float) -> None:
    assert histogram([value] * times).quantile(q) == value


@given(st.lists(VALUES, max_size=50))
def test_totals_are_exact(values: list[float]) -> None:
    made = histogram(values)
    total = reduce(add, values, 0.0)  # since 3.12 `sum` rounds less than one addition after the other
    assert (made.count, made.sum) == (len(values), total)
    assert (made.low, made.high) == (min(values, default=0), max(values, default=0))
    assert made.mean == (total / len(values) if values else 0)


@given(st.lists(st.floats(0, 1e30), min_size=1), st.floats(0, 1))
def test_values_beyond_the_buckets_are_counted_within_what_was_seen(values: list[float], q: float) -> None:
    made = histogram(values)
    assert made.low <= made.quantile(q) <= made.high
    assert made.quantile(0) <= made.quantile(q) <= made.quantile(1) == made.high


def test_an_empty_histogram_says_nothing() -> None:
    made = Histogram()
    assert (made.quantile(0.5), made.mean, made.count) == (0, 0, 0)


@pytest.mark.parametrize("value", [-1.0, nan, -inf])
def test_what_is_no_size_is_refused(value: float) -> None:
    made = Histogram()
    with pytest.raises(ValueError):
        made.add(value)
    assert made.count == 0


def test_space_does_not_grow_with_the_values() -> None:
    dice = random.Random(1)
    made = histogram([10 ** dice.uniform(-4, 9) for _ in range(20_000)])
    assert len(made._buckets) < 700
    assert isclose(made.quantile(0.5), 10**2.5, rel_tol=0.2)
