"""What an answer costs by the tier that was asked for and the one that served it; the cheapest lane."""

from __future__ import annotations

from itertools import product
from typing import Any

import pytest

from pipeline.core.domain import Answer, Usage
from pipeline.job.models import Model
from pipeline.money.estimate import Expected
from pipeline.money.lanes import LANES, doubt, objection, resolved_lane, why_not
from pipeline.money.prices import price_of
from pipeline.money.tariff import Tariff, tariff_of, unpriced
from tests.support.fakes import asked

FACTORS = {"flex": 0.5, "batch": 0.4, "priority": 2}
TARIFF = Tariff(price_of("m", "http://127.0.0.1/v1", {"input": 1, "output": 10, "tiers": FACTORS}))
USED, FULL = Usage(100, 50), 100 * 1000 + 50 * 10_000
NAMED = ("", "auto", "default", "flex", "batch", "priority")
OPENAI = {"model": "gpt-5-mini", "base_url": "https://api.openai.com/v1", "api": "chat"}


@pytest.mark.parametrize(("tier", "served"), list(product(("", "flex", "batch"), NAMED)))
def test_an_answer_costs_what_its_tier_costs_and_never_more_than_is_held(tier: str, served: str) -> None:
    usual = served in ("", "auto", "default")
    billed = "batch" if tier == "batch" and usual else served
    expected = round(FULL * FACTORS.get(billed, 1))
    request = asked("a").with_tier(tier)
    answer = Answer("x", usage=USED, tier=served)
    charge = TARIFF.charge(answer, request, lambda _: Expected(100, 50, 50))
    assert charge.cost == expected == TARIFF.cost(answer, tier)
    held = Tariff(TARIFF.price, served={"priority"} if served == "priority" else set())
    most = held.most(request, Expected(100, 50, 50))
    assert most is not None and charge.cost <= most
    dearer = FACTORS.get(billed, 1) > FACTORS.get(tier, 1)
    assert bool(TARIFF.dearer(request, answer)) == dearer


def test_an_unknown_price_of_a_tier_is_not_taken_for_a_known_one() -> None:
    tariff = Tariff(price_of("m", "http://127.0.0.1/v1", {"input": 1, "output": 10}))
    flex = asked("a").with_tier("flex")
    assert tariff.most(flex, Expected(1, 1, 1)) is None
    assert tariff.cost(Answer("x", usage=USED, tier="default"), "flex") == FULL
    assert "full price" not in tariff.dearer(flex, Answer("x", usage=USED, tier="flex"))
    assert "that costs more" in tariff.dearer(flex, Answer("x", usage=USED, tier="default"))
    model = Model(model="m", base_url="http://127.0.0.1/v1", lane="flex", price={"input": 1, "output": 10})
    assert "service tier 'flex' is not known" in unpriced(model)


@pytest.mark.parametrize("tier", ["flex", "batch"])
@pytest.mark.parametrize("model", ["gpt-5-mini", "gpt-4o-mini", "o3"])
def test_openais_cheaper_tiers_are_a_half(model: str, tier: str) -> None:
    tariff = tariff_of(Model(**OPENAI | {"model": model}))
    full, half = (tariff.sample(Usage(1000, 1000), name) for name in ("", tier))
    assert full is not None and half is not None and 2 * half == full


PRICE = {"input": 1, "output": 10}
OTHER = {"model": "m", "base_url": "https://proxy.example/v1", "api": "chat", "price": PRICE}
HERE = {"provider": "scripted", "model": "m", "api": "chat", "price": PRICE}


@pytest.mark.parametrize(
    ("changes", "lane"),
    [
        (OPENAI, "batch"),
        (OPENAI | {"api": "completions"}, "batch"),
        (OPENAI | {"model": "unknown-1"}, "sync"),
        (OTHER, "sync"),
        (OTHER | {"price": PRICE | {"tiers": {"flex": 0.5}}}, "flex"),
        (OTHER | {"price": PRICE | {"tiers": {"flex": 0.5, "batch": 0.5}}}, "batch"),
        (OTHER | {"price": PRICE | {"tiers": {"flex": 0.4, "batch": 0.5}}}, "flex"),
        (OTHER | {"price": PRICE | {"tiers": {"flex": 1, "batch": 2}}}, "sync"),
        (OTHER | {"options": {"batch": {"factor": 0.5}}}, "batch"),
        (HERE | {"price": PRICE | {"tiers": {"batch": 0.5}}}, "batch"),
        ({"provider": "pseudo", "model": "m", "api": "translation"}, "sync"),
    ],
)
def test_the_cheapest_lane_is_one_whose_price_is_known_to_be_lower(changes: Any, lane: str) -> None:
    found = resolved_lane(Model(**changes, lane="cheapest"))
    assert found == lane


@pytest.mark.parametrize(
    ("changes", "lane", "words"),
    [
        (
            {"model": "m", "base_url": "https://api.mistral.ai/v1", "api": "responses"},
            "batch",
            "mistral take",
        ),
        (
            {"model": "m", "base_url": "https://api.fireworks.ai/v1", "api": "chat"},
            "batch",
            "takes no batches",
        ),
        (OPENAI | {"api": "completions"}, "flex", "only chat and responses"),
        ({"provider": "pseudo", "model": "m", "api": "translation"}, "batch", "costs nothing"),
        ({"provider": "embedded", "model": "m", "api": "chat"}, "flex", "costs nothing"),
        (
            {"model": "m", "base_url": "https://api.mistral.ai/v1", "api": "chat"},
            "flex",
            "no service tier flex",
        ),
        (OPENAI | {"params": {"service_tier": "flex"}}, "flex", "contradict each other"),
        (OPENAI | {"params": {"service_tier": "auto"}}, "cheapest", "contradict each other"),
    ],
)
def test_a_lane_that_cannot_work_is_refused_with_one_that_can(changes: Any, lane: Any, words: str) -> None:
    model = Model(**changes, lane=lane)
    what, hint = objection(model)
    assert words in what and hint
    can = [one for one in LANES if not why_not(one, model)]
    assert "sync" in can
    assert "contradict" in what or hint.removeprefix("write lane: ").split(" or ") == can


def test_what_can_work_is_not_refused_and_doubt_is_said() -> None:
    for lane in (*LANES, "cheapest"):
        assert objection(Model(**OPENAI, lane=lane)) == ("", "")
        assert objection(Model(**OTHER, lane=lane)) == ("", "")
        assert not doubt(Model(**OPENAI, lane=lane))
        assert bool(doubt(Model(**OTHER, lane=lane))) == (lane == "flex")
    assert not doubt(Model(**OTHER | {"options": {"batch": {"flex": True}}}, lane="flex"))
