"""What a model costs: stated in the job file, or as `genai-prices` lists it for the host that is asked.

Money is an int of nano-dollars (1e-9 USD), rounded once for each attempt, half to even, so that sums are
exact. A price that is not known is None, never 0. The list comes with the library and is never fetched.
This module does not know jobs, budgets or requests.
"""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from fractions import Fraction
from functools import cached_property, lru_cache
from math import ceil, lcm
from typing import TYPE_CHECKING, Any, TypeAlias
from urllib.parse import urlsplit

from pipeline.core.domain import Usage
from pipeline.core.suggest import nearest

if TYPE_CHECKING:
    from genai_prices.types import ModelInfo, ModelPrice, Provider

NANO = 10**9  # nano-dollars in a dollar
OPENAI = "https://api.openai.com/v1"
STANDARD = frozenset({"", "auto", "default", "standard", "standard_only", "on_demand"})
"""servers' names for the default service tier"""
HALVED = frozenset({"flex", "batch"})  # tiers that OpenAI publishes at half of its standard price
_HALF = Decimal("0.5")
_NANO_PER_TOKEN = NANO // 10**6
_MOST_TIERS = 64
_VERY_LIKE = 0.84  # from this likeness on, a model that is not in the list is taken for a slip


@dataclass(frozen=True)
class Rates:
    """Dollars per million tokens, and dollars for each `request`. None of them is negative."""

    input: Decimal
    output: Decimal
    cached: Decimal
    cache_write: Decimal
    reasoning: Decimal
    request: Decimal = Decimal(0)

    def times(self, factor: Decimal) -> Rates:
        """All of them, multiplied."""
        return Rates(*(getattr(self, name) * factor for name in self.__dataclass_fields__))

    @cached_property
    def _scaled(self) -> tuple[int, int, int, int, int, int, int]:
        """A denominator, and the rates as whole numbers of nano-dollars over it."""
        per_token = (self.input, self.cached, self.cache_write, self.output, self.reasoning)
        exact = [Fraction(rate) * _NANO_PER_TOKEN for rate in per_token] + [Fraction(self.request) * NANO]
        scale = lcm(*(rate.denominator for rate in exact))
        plain, cached, written, output, reasoning, request = (int(rate * scale) for rate in exact)
        return scale, plain, cached, written, output, reasoning, request

    def cost(self, usage: Usage) -> int:
        """Nano-dollars, rounded half to even."""
        scale, plain, cached, written, output, reasoning, request = self._scaled
        whole, rest = divmod(
            plain * (usage.input - usage.cached - usage.cache_written)
            + cached * usage.cached
            + written * usage.cache_written
            + output * (usage.output - usage.reasoning)
            + reasoning * usage.reasoning
            + request,
            scale,
        )
        return whole + (2 * rest > scale or (2 * rest == scale and whole & 1))

    def worst(self, input_tokens: int, output_tokens: int) -> int:
        """The most nano-dollars that so many tokens can cost, rounded up."""
        scale, plain, cached, written, output, reasoning, request = self._scaled
        taken = max(plain, cached, written) * input_tokens
        return -(-(taken + max(output, reasoning) * output_tokens + request) // scale)


Schedule: TypeAlias = tuple[tuple[int, Rates], ...]
"""Rates, each with the input tokens above which they hold, smallest first: (-1, …), (272000, …)."""


class Price(ABC):
    """What a model costs."""

    @abstractmethod
    def schedule(self, tier: str = "") -> Schedule | None:
        """The rates of a service tier now, "" for the standard one; None where they are not known."""

    def cost(self, usage: Usage, tier: str = "") -> int | None:
        """Nano-dollars of one attempt, served by `tier`; None where the tier's price is not known."""
        schedule = self.schedule(tier)
        if schedule is None:
            return None
        if len(schedule) > 1:
            return _at(schedule, usage.input).cost(usage)
        return schedule[0][1].cost(usage)

    def worst(self, input_tokens: float, output_tokens: float, tier: str = "") -> int | None:
        """The most nano-dollars that a request of at most so many tokens can cost, for a reservation.

        It is without a cache's discount, and at the standard price where the requested tier is cheaper: a
        server may use the standard tier instead. None where either price is not known.
        """
        schedules = [self.schedule(tier), self.schedule()]
        taken, given = ceil(input_tokens), ceil(output_tokens)
        reached = (rates for schedule in schedules for above, rates in schedule or () if taken > above)
        return None if None in schedules else max(rates.worst(taken, given) for rates in reached)


def _at(schedule: Schedule, input_tokens: int) -> Rates:
    return next(rates for above, rates in reversed(schedule) if input_tokens > above)


@dataclass(frozen=True)
class Stated(Price):
    """A price from the job file; `tiers` multiply it, and no other tier has a known price."""

    rates: Rates
    tiers: Mapping[str, Decimal] = field(default_factory=dict)

    @cached_property
    def _schedules(self) -> dict[str, Schedule]:
        standard: dict[str, Schedule] = dict.fromkeys(STANDARD, ((-1, self.rates),))
        return standard | {name: ((-1, self.rates.times(factor)),) for name, factor in self.tiers.items()}

    def schedule(self, tier: str = "") -> Schedule | None:
        return self._schedules.get(tier)


def _now() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True)
class Listed(Price):
    """The library's price of a model at a host, with its dates, hours, service tiers and context lengths.

    It is looked up once a minute for each tier. `now` gives an aware time.
    """

    model: ModelInfo
    provider: Provider
    factors: Mapping[str, Decimal] = field(default_factory=dict)
    """of service tiers that the list does not name"""
    now: Callable[[], datetime] = _now
    _found: dict[str, tuple[int, Schedule | None]] = field(
        default_factory=dict, init=False, repr=False, compare=False
    )

    def schedule(self, tier: str = "") -> Schedule | None:
        tier = "" if tier in STANDARD else tier
        now = self.now()
        minute = int(now.timestamp()) // 60
        found = self._found.get(tier)
        if found is None or found[0] != minute:
            if len(self._found) >= _MOST_TIERS:  # a server may invent tiers
                self._found.clear()
            found = self._found[tier] = (minute, self._look_up(tier, now))
        return found[1]

    def _look_up(self, tier: str, now: datetime) -> Schedule | None:
        standard = _schedule(self.model.get_prices(now))
        if not tier or standard is None:
            return standard
        context = {"processing": "batch"} if tier == "batch" else {"service_tier": tier}
        if self._has_variant(context, now):
            return _schedule(self.model.get_prices(now, context))
        if (factor := self.factors.get(tier)) is not None:
            return tuple((above, rates.times(factor)) for above, rates in standard)
        return None

    def _has_variant(self, context: Mapping[str, str], now: datetime) -> bool:
        if all(self.model is not own for own in self.provider.models):
            return False  # a model of another host, used here for its standard price only
        return any(
            variant.when.items() <= context.items()
            and (variant.constraint is None or variant.constraint.active(now))
            for variant in self.model.price_variants or ()
        )


def _schedule(prices: ModelPrice) -> Schedule | None:
    """None where the price of input or output text is missing, or something is billed that is not counted."""
    listed = {name: price for name, price in vars(prices).items() if price is not None}
    if not {"input_mtok", "output_mtok"} <= listed.keys() or "output_citation_mtok" in listed:
        return None
    starts = {tier.start for price in listed.values() for tier in getattr(price, "tiers", ())}
    return tuple((above, _rates(listed, above)) for above in (-1, *sorted(starts)))


def _rates(listed: Mapping[str, Any], above: int) -> Rates:

    def rate(*names: str) -> Decimal:
        price = next((listed[name] for name in names if name in listed), Decimal(0))
        if isinstance(price, Decimal):
            return price
        reached: list[Decimal] = [tier.price for tier in price.tiers if tier.start <= above]
        return reached[-1] if reached else Decimal(price.base)

    cached, written = rate("cache_read_mtok", "input_mtok"), rate("cache_write_mtok", "input_mtok")
    reasoning, request = rate("output_reasoning_mtok", "output_mtok"), rate("requests_kcount") / 1000
    return Rates(rate("input_mtok"), rate("output_mtok"), cached, written, reasoning, request)


def price_of(
    model: str,
    base_url: str = "",
    stated: Mapping[str, Any] | None = None,
    factors: Mapping[str, float] | None = None,
) -> Price | None:
    """The price of a model at the address that requests go to (empty: OpenAI's own); None if unknown.

    A stated price wins: `input` and `output`, and where given `cached`, `cache_write` (else as input) in
    dollars per million tokens, and `tiers`, factors by name. `factors` are those known of the host, for tiers
    that neither the job nor the list names; at OpenAI flex and batch are a half. Without a stated price, the
    address decides: the library has to know the host, and the host that model. A known model's name at any
    other address, a local one or a proxy, says nothing about what it costs there.
    """
    address = (base_url or OPENAI).lower()
    official = urlsplit(address).hostname == urlsplit(OPENAI).hostname
    known = {name: _decimal(factor) for name, factor in (factors or {}).items()}
    known = dict.fromkeys(HALVED, _HALF) | known if official else known
    if stated is None:
        return _listed(model, address, tuple(known.items()))
    amounts = {name: _decimal(stated[name]) for name in _AMOUNTS if stated.get(name) is not None}
    taken, given = amounts["input"], amounts["output"]
    rates = Rates(taken, given, amounts.get("cached", taken), amounts.get("cache_write", taken), given)
    tiers = {str(name): _decimal(factor) for name, factor in (stated.get("tiers") or {}).items()}
    return Stated(rates, known | tiers)


_AMOUNTS = ("input", "output", "cached", "cache_write")


def _decimal(amount: Any) -> Decimal:
    return amount if isinstance(amount, Decimal) else Decimal(str(amount))


@lru_cache(maxsize=256)
def _listed(model: str, base_url: str, factors: tuple[tuple[str, Decimal], ...]) -> Listed | None:
    if not _has_a_name(base_url):
        return None
    from genai_prices.data_snapshot import get_snapshot  # half a second, and only where a price is wanted

    try:
        provider, info = get_snapshot().find_provider_model(model, None, None, base_url)
    except LookupError:
        return None
    price = Listed(info, provider, dict(factors))
    return price if _is_host(provider.api_pattern, base_url) and price.schedule() else None


def nearly(model: str, base_url: str = "") -> str:
    """The hint for a model that the list does not know, and that is nearly one of its host; '' for others."""
    address = (base_url or OPENAI).lower()
    if not _has_a_name(address) or _listed(model, address, ()):
        return ""
    from genai_prices.data_snapshot import get_snapshot

    with suppress(LookupError):
        provider = get_snapshot().find_provider(None, None, address)
        if _is_host(provider.api_pattern, address):
            ids = [one.id for one in provider.models]
            there = model.lower() in map(str.lower, ids)  # one that has no price there
            return "" if there else nearest(model.lower(), ids, _VERY_LIKE)
    return ""


def _has_a_name(url: str) -> bool:
    """Whether a host has a public name: the list knows no others, so it is not loaded for them."""
    host = urlsplit(url).hostname or ""
    return "." in host and not host.replace(".", "").isdigit()


def _is_host(pattern: str, url: str) -> bool:
    """The library's patterns also match the beginning of a longer host: `api.openai.com.example.org`."""
    match = re.match(pattern, url)
    return match is not None and (match[0].endswith(".") or url[match.end() :][:1] in ("", "/", ":"))
