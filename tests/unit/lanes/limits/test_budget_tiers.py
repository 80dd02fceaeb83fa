"""The budget holds where a server answers from another service tier than it was asked for."""

from __future__ import annotations

import pytest

from pipeline.core.domain import DOLLAR, Fault
from pipeline.job.models import Limits
from pipeline.job.spec import BudgetSpec
from pipeline.money.prices import price_of
from pipeline.money.tariff import Tariff
from pipeline.testing.script import Script
from tests.support.lanes import numbered, through_a_lane

PRICE = price_of("m", "http://x", {"input": 1, "output": 10, "tiers": {"priority": 3, "flex": 0.5}})
ONE = 3 * (12 * 1000 + 90 * 10_000)
"""nano-dollars of an answer of the dearest tier"""


@pytest.mark.parametrize("concurrency", [1, 8])
@pytest.mark.parametrize(
    ("asked", "served"), [("", "priority"), ("priority", "priority"), ("flex", "default")]
)
def test_a_budget_holds_once_a_tier_is_known_that_answers(asked: str, served: str, concurrency: int) -> None:
    assert PRICE is not None
    price, most = PRICE, 20.5 * ONE
    params = {"service_tier": asked} if asked else {}
    outcome = through_a_lane(
        Script(latency=1, tokens=90, tier=served),
        numbered(300, max_tokens=90, **params),
        Limits(concurrency=concurrency),
        tariff=Tariff(price),
        budget=BudgetSpec(cost=most / DOLLAR),
    )
    assert {result.kind for result in outcome.results if isinstance(result, Fault)} == {"out_of_budget"}
    billed = outcome.account.cost(lambda line: price.cost(line.usage, line.tier))
    assert 0.85 * most <= billed <= most
    assert outcome.shared.budget.spent.cost == billed
