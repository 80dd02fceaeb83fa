"""The sums of a budget: what fits, to the last nano-dollar, token and request."""

from __future__ import annotations

import pytest

from pipeline.core.domain import DOLLAR
from pipeline.job.spec import BudgetSpec
from pipeline.money.budget import Budget, Spent


@pytest.mark.parametrize(
    ("spec", "name", "most"),
    [
        (BudgetSpec(cost=0.25), "cost", DOLLAR // 4),
        (BudgetSpec(tokens=1000), "tokens", 1000),
        (BudgetSpec(requests=10), "requests", 10),
    ],
)
def test_what_fits_exactly_fits_and_one_more_does_not(spec: BudgetSpec, name: str, most: int) -> None:
    budget = Budget(spec, spent=Spent(**{name: most // 2}), held=Spent(**{name: most // 4}))
    left = most - most // 2 - most // 4
    assert budget.lacks(Spent(**{name: left})) == ""
    assert f"budget.{name}" in budget.lacks(Spent(**{name: left + 1}))
    assert budget.never_fits(Spent(**{name: left + 1})) == "", "what is held may be given back"
