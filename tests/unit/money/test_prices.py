"""What a model costs: exact sums, the library's own figures, and nothing where nothing is known."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime
from decimal import ROUND_HALF_EVEN, Decimal
from fractions import Fraction
from functools import cache
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.core.domain import Usage
from pipeline.money.prices import HALVED, Listed, Price, Rates, Stated, nearly, price_of

MINI = {"input": 0.25, "output": 2.0, "cached": 0.025}


def known(model: str, base_url: str = "", stated: dict[str, Any] | None = None) -> Price:
    price = price_of(model, base_url, stated)
    assert price is not None
    return price


def test_a_stated_price_is_computed_by_hand() -> None:
    price = known("m", stated=MINI | {"cache_write": 0.5, "tiers": {"priority": 2}})
    usage = Usage(input=1000, output=100, cached=400, cache_written=100, reasoning=60)
    by_hand = 500 * 250 + 400 * 25 + 100 * 500 + 100 * 2000
    assert price.cost(usage) == by_hand
    assert price.cost(usage, "priority") == 2 * by_hand
    assert price.worst(1000, 100) == 1000 * 500 + 100 * 2000


def test_a_listed_price_is_computed_by_hand() -> None:
    usage = Usage(input=1000, output=100, cached=400, reasoning=60)
    assert known("gpt-4.1-mini").cost(usage) == 600 * 400 + 400 * 100 + 100 * 1600
    assert known("gpt-4o").worst(10, 10) == 10 * 2500 + 10 * 10_000


def test_what_is_not_stated_of_the_input_costs_as_the_input() -> None:
    price = known("m", stated={"input": "0.1", "output": Decimal(1), "cached": None})
    assert price.cost(Usage(input=10, cached=4, cache_written=3)) == 10 * 100


@pytest.mark.parametrize(
    ("dollars", "tokens", "nano"),
    [("0.0005", 1, 0), ("0.0015", 1, 2), ("0.0025", 1, 2), ("0.0005", 3, 2), ("0.00051", 1, 1)],
)
def test_half_a_nano_dollar_goes_to_the_even_side(dollars: str, tokens: int, nano: int) -> None:
    price = known("m", stated={"input": dollars, "output": 0})
    assert price.cost(Usage(input=tokens)) == nano
    assert (price.worst(tokens, 0) or 0) >= nano


@pytest.mark.parametrize("tier", ["", "auto", "default", "standard", "on_demand"])
def test_the_standard_tier_has_many_names(tier: str) -> None:
    usage = Usage(input=1000, output=100)
    for price in (known("gpt-5-mini"), known("m", stated=MINI)):
        assert price.cost(usage, tier) == 1000 * 250 + 100 * 2000


def test_flex_and_batch_cost_half_at_openai() -> None:
    usage = Usage(input=1000, output=100, cached=200)
    for tier in HALVED:
        for price in (known("gpt-5-mini"), known("m", stated=MINI), known("gpt-4.5-preview")):
            standard = price.cost(usage)
            assert standard is not None
            assert price.cost(usage, tier) == standard / 2
    assert known("m", stated=MINI | {"tiers": {"flex": 0.7}}).cost(Usage(input=1000), "flex") == 175_000


def test_a_tier_that_nobody_prices_has_no_price() -> None:
    usage = Usage(input=1000, output=100)
    for price in (known("gpt-5-mini"), known("m", stated=MINI)):
        assert price.cost(usage, "scale") is None
        assert price.worst(1000, 100, "scale") is None
    assert known("gpt-4.5-preview").cost(usage, "priority") is None
    assert known("m", "https://elsewhere.example/v1", MINI).cost(usage, "flex") is None
    assert known("llama-3.3-70b-versatile", "https://api.groq.com/openai/v1").cost(usage, "flex") is None


def test_the_tier_that_was_asked_for_counts_at_the_worst_where_it_is_dearer() -> None:
    price = known("gpt-5-mini")
    standard, priority = price.worst(1000, 100), price.worst(1000, 100, "priority")
    assert price.worst(1000, 100, "flex") == standard == 450_000
    assert priority == 1000 * 450 + 100 * 3600


@pytest.mark.parametrize(
    ("model", "base_url"),
    [("gpt-9-unheard-of", ""), ("text-embedding-3-small", ""), ("whisper-1", ""), ("", ""),
     ("gpt-4o", "http://127.0.0.1:8080/v1"), ("gpt-4o", "http://localhost/v1"),
     ("gpt-4o", "https://llm.example.org/v1"), ("gpt-4o", "https://api.openai.com.example.org/v1"),
     ("gpt-4o", "https://api.openai.com@example.org/v1"), ("gpt-4o", "https://eu.api.openai.com/v1"),
     ("gpt-4o", "https://api.groq.com/openai/v1"), ("gpt-4o", "nonsense"),
     ("sonar-deep-research", "https://api.perplexity.ai")],
)  # fmt: skip
def test_an_unknown_price_is_none(model: str, base_url: str) -> None:
    assert price_of(model, base_url) is None


@pytest.mark.parametrize(
    ("model", "base_url", "source"),
    [("GPT-4o", "", "openai/gpt-4o"), ("gpt-4o", "https://API.openai.com/v1", "openai/gpt-4o"),
     ("deepseek-chat", "https://api.deepseek.com", "deepseek/deepseek-chat"),
     ("gpt-4o", "https://mine.openai.azure.com/openai/v1", "azure/gpt-4o")],
)  # fmt: skip
def test_the_address_decides_whose_price_it_is(model: str, base_url: str, source: str) -> None:
    listed = known(model, base_url)
    assert isinstance(listed, Listed)
    assert f"{listed.provider.id}/{listed.model.id}" == source
    assert isinstance(known(model, base_url, MINI), Stated)


def test_long_prompts_cost_what_the_list_says_of_them() -> None:
    price = known("gpt-5.4")
    assert price.cost(Usage(input=272_000, output=10)) == 272_000 * 2500 + 10 * 15_000
    assert price.cost(Usage(input=272_001, output=10)) == 272_001 * 5000 + 10 * 22_500
    assert price.worst(272_001, 10) == 272_001 * 5000 + 10 * 22_500


def test_a_request_may_cost_something_by_itself() -> None:
    price = known("sonar", "https://api.perplexity.ai")
    assert price.cost(Usage()) == 12_000_000
    assert price.cost(Usage(input=1, output=1)) == 12_000_000 + 2 * 1000


@cache
def library() -> Any:
    from genai_prices.data_snapshot import get_snapshot

    return get_snapshot()


def listed(model: str, on: date, provider: str = "openai") -> Listed:
    found, info = library().find_provider_model(model, None, provider, None)
    return Listed(info, found, now=lambda: datetime(on.year, on.month, on.day, 12, tzinfo=UTC))


def test_a_price_has_its_date() -> None:
    usage = Usage(input=1000, output=100)
    assert listed("o3", date(2025, 6, 9)).cost(usage) == 1000 * 10_000 + 100 * 40_000
    assert listed("o3", date(2025, 6, 10)).cost(usage) == 1000 * 2000 + 100 * 8000


def test_a_price_that_changes_during_a_run_is_noticed() -> None:
    times = [datetime(2025, 6, 9, 23, 59, 59, tzinfo=UTC), datetime(2025, 6, 10, tzinfo=UTC)]
    before = listed("o3", date(2025, 6, 9))
    price = Listed(before.model, before.provider, now=lambda: times[0])
    first = price.cost(Usage(input=1000))
    del times[0]
    assert (first, price.cost(Usage(input=1000))) == (10_000_000, 2_000_000)


def test_tiers_without_an_end_are_not_kept_without_an_end() -> None:
    price = listed("gpt-5-mini", date(2026, 11, 1))
    assert {price.cost(Usage(input=1000), f"tier {n}") for n in range(1000)} == {None}
    assert len(price._found) <= 64


NOW = datetime(2026, 11, 1, 12, tzinfo=UTC)
LISTED = [
    price
    for provider in library().providers
    for model in provider.models
    if (price := Listed(model, provider, now=lambda: NOW)).schedule() is not None
]
TIERS = ("", "flex", "priority", "batch")
SIZES = st.integers(0, 300) | st.integers(0, 1_500_000)


@st.composite
def usages(draw: st.DrawFn, most: int = 1_500_000) -> Usage:
    taken, given = draw(SIZES.filter(lambda n: n <= most)), draw(SIZES.filter(lambda n: n <= most))
    cached = draw(st.integers(0, taken))
    return Usage(taken, given, cached, draw(st.integers(0, taken - cached)), draw(st.integers(0, given)))


def by_the_library(price: Listed, usage: Usage, tier: str) -> int:
    import genai_prices

    counted = genai_prices.Usage(
        input_tokens=usage.input,
        output_tokens=usage.output,
        cache_read_tokens=usage.cached,
        cache_write_tokens=usage.cache_written,
        output_reasoning_tokens=usage.reasoning,
    )
    context = {"processing" if tier == "batch" else "service_tier": tier} if tier else None
    total = price.model.calc_price(
        counted, price.provider, genai_request_timestamp=NOW, price_context=context
    ).total_price
    return int((total * 10**9).to_integral_value(ROUND_HALF_EVEN))


def test_every_listed_model_costs_what_the_library_computes() -> None:
    assert len(LISTED) > 1500
    for price in LISTED:
        for usage in (Usage(1000, 100), Usage(300_000, 77, 1000, 33, 20)):
            assert price.cost(usage) == by_the_library(price, usage, ""), price.model.id


@given(st.sampled_from(LISTED), usages(), st.sampled_from(TIERS))
def test_costs_are_those_of_the_library_wherever_it_has_the_tier(
    price: Listed, usage: Usage, tier: str
) -> None:
    context = {"processing" if tier == "batch" else "service_tier": tier}
    if tier and not price._has_variant(context, NOW):
        return
    assert price.cost(usage, tier) == by_the_library(price, usage, tier)


DOLLARS = st.decimals(0, 500, places=6) | st.sampled_from([Decimal(0), Decimal("0.1"), Decimal("1e-9")])
RATES = st.builds(Rates, DOLLARS, DOLLARS, DOLLARS, DOLLARS, DOLLARS, DOLLARS)
PRICES: st.SearchStrategy[Price] = st.sampled_from(LISTED) | st.builds(
    Stated, RATES, st.dictionaries(st.sampled_from(TIERS[1:]), st.decimals(0, 3, places=3), max_size=3)
)


@given(RATES, usages())
def test_a_cost_is_the_exact_sum_rounded_once(rates: Rates, usage: Usage) -> None:
    tokens = [
        (rates.input, usage.input - usage.cached - usage.cache_written),
        (rates.cached, usage.cached),
        (rates.cache_write, usage.cache_written),
        (rates.output, usage.output - usage.reasoning),
        (rates.reasoning, usage.reasoning),
        (rates.request * 10**6, 1),
    ]
    assert rates.cost(usage) == round(sum(Fraction(price) * 1000 * n for price, n in tokens))


@given(PRICES, usages(), SIZES, SIZES, st.sampled_from(TIERS))
def test_the_worst_is_never_less_than_the_cost(
    price: Price, usage: Usage, more: int, longer: int, asked: str
) -> None:
    worst = price.worst(usage.input + more, usage.output + longer, asked)
    for served in {asked, ""}:
        cost = price.cost(usage, served)
        assert (cost is None) <= (worst is None)
        assert cost is None or worst is None or cost <= worst


@given(st.sampled_from(LISTED), usages())
def test_a_cached_token_costs_no_more_where_it_is_cheaper(price: Listed, usage: Usage) -> None:
    schedule = price.schedule()
    assert schedule is not None
    if any(rates.cached > rates.input for _, rates in schedule):
        return
    without = price.cost(Usage(usage.input, usage.output, 0, 0, usage.reasoning))
    cost = price.cost(Usage(usage.input, usage.output, usage.cached, 0, usage.reasoning))
    assert cost is not None
    assert without is not None
    assert cost <= without


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1:8000/v1",
        "http://localhost:11434/v1",
        "https://10.0.0.7/v1",
        "http://[::1]:80/v1",
        "http://box/v1",
    ],
)
def test_the_list_knows_no_address_without_a_name_of_the_internet(
    url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    from genai_prices import data_snapshot

    assert not any(re.match(one.api_pattern, url) for one in data_snapshot.get_snapshot().providers)
    monkeypatch.setattr(data_snapshot, "get_snapshot", None)  # it is not even asked for
    assert price_of("gpt-4o", url) is None


@pytest.mark.parametrize(
    ("model", "base_url"),
    [
        ("text-embedding-3-small", ""),
        ("meta-llama/llama-3.3-70b-instruct:free", "https://openrouter.ai/api/v1"),
        ("together/Tev1-4B-experimental", "https://api.together.xyz/v1"),
    ],
)
def test_a_model_of_the_list_is_no_slip_for_itself_though_no_price_is_known(
    model: str, base_url: str
) -> None:
    assert nearly(model, base_url) == ""
    assert "did you mean" in nearly(f"{model[:-2]}x{model[-2:]}", base_url)
