"""What a pilot says about the rest, and how sure it is."""

from __future__ import annotations

import random

import pytest

from pipeline.runs.pilot import extrapolated, student


def test_the_interval_holds_the_truth_about_95_times_in_100() -> None:
    held = 0
    for seed in range(400):
        draw = random.Random(seed)
        values = [max(0.0, draw.gauss(1000, 300)) for _ in range(300)]
        found = extrapolated(values[:30], 270)
        held += found.low <= sum(values[30:]) <= found.high
    assert 0.92 <= held / 400 <= 0.98


def test_the_interval_says_how_little_is_known() -> None:
    assert extrapolated([], 10).mean == extrapolated([5.0], 0).high == 0
    one = extrapolated([5.0], 10)
    assert (one.mean, one.low, one.high) == (50, 0, float("inf"))
    assert extrapolated([5.0, 5.0], 10).low == 50
    assert extrapolated([0.0, 10.0], 10).low == 0, "never less than nothing"


@pytest.mark.parametrize(("freedom", "quantile"), [(4, 2.776), (9, 2.262), (29, 2.045), (200, 1.972)])
def test_students_quantiles_are_those_of_the_tables(freedom: int, quantile: float) -> None:
    assert student(freedom) == pytest.approx(quantile, abs=0.01)
