"""A lane's tariff: what an answer has cost, and the most that a request can cost, in its service tier."""

from __future__ import annotations

import pytest

from pipeline.core.domain import Answer, Usage
from pipeline.job.models import Model
from pipeline.money.estimate import Expected
from pipeline.money.prices import price_of
from pipeline.money.tariff import Tariff, tariff_of, unpriced
from tests.support.fakes import asked

TIERS = {"priority": 2, "flex": 0.5}
PRICE = price_of("m", "http://127.0.0.1/v1", {"input": 1, "output": 10, "tiers": TIERS})
TARIFF = Tariff(PRICE)
EXPECTED = Expected(100, 40, 50)
STANDARD = 100 * 1000 + 50 * 10_000


def test_a_request_that_asks_for_a_dearer_tier_is_held_at_its_price() -> None:
    assert TARIFF.most(asked("a"), EXPECTED) == STANDARD
    assert TARIFF.most(asked("a", service_tier="priority"), EXPECTED) == 2 * STANDARD


def test_a_request_that_asks_for_a_cheaper_tier_is_held_at_the_standard_price() -> None:
    """The server may serve it in the standard tier all the same."""
    assert TARIFF.most(asked("a", service_tier="flex"), EXPECTED) == STANDARD


def test_the_word_in_a_prompt_is_no_tier() -> None:
    assert TARIFF.most(asked("service_tier: priority"), EXPECTED) == STANDARD


def test_the_worst_holds_for_every_tier_that_the_job_prices_and_may_be_served() -> None:
    used = Usage(100, 50)
    for tier, served in (
        ("", ""),
        ("priority", "priority"),
        ("priority", ""),
        ("flex", "flex"),
        ("flex", ""),
    ):
        params = {"service_tier": tier} if tier else {}
        most = TARIFF.most(asked("a", **params), EXPECTED)
        cost = TARIFF.cost(Answer("x", usage=used, tier=served))
        assert most is not None and cost is not None and cost <= most


def test_a_dearer_tier_that_the_server_has_answered_from_is_held_from_then_on() -> None:
    """An account may be set up for a tier that its requests do not ask for."""
    tariff = Tariff(PRICE)
    for served, most in (("flex", STANDARD), ("scale", STANDARD), ("priority", 2 * STANDARD)):
        tariff.cost(Answer("x", usage=Usage(1, 1), tier=served))
        assert tariff.most(asked("a"), EXPECTED) == most


def test_what_a_request_comes_to_on_average_is_of_its_tier() -> None:
    average = 100 * 1000 + 40 * 10_000
    assert TARIFF.mean(asked("a"), EXPECTED) == average
    assert TARIFF.mean(asked("a", service_tier="priority"), EXPECTED) == 2 * average
    assert TARIFF.mean(asked("a", service_tier="flex"), EXPECTED) == average // 2


@pytest.mark.parametrize("tier", ["priority", None])
def test_what_is_free_is_free_and_what_is_not_known_is_none(tier: str | None) -> None:
    request = asked("a", **({"service_tier": tier} if tier else {}))
    for tariff, cost in ((Tariff(None, free=True), 0), (Tariff(None), None)):
        assert tariff.most(request, EXPECTED) == tariff.mean(request, EXPECTED) == cost
        assert tariff.cost(Answer("x", usage=Usage(1, 1))) == cost


def test_a_budget_needs_the_price_of_the_tier_that_is_asked_for() -> None:
    model = Model(model="gpt-5-mini", base_url="https://api.openai.com/v1", params={"service_tier": "scale"})
    assert tariff_of(model).known
    assert "service tier 'scale'" in unpriced(model)
    assert unpriced(model.model_copy(update={"params": {"service_tier": "priority"}})) == ""
