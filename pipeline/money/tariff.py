"""What the requests of one lane cost: a price, and what a request is expected to use.

Money is whole nano-dollars, so that sums are exact. This module does not know budgets.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from math import ceil
from typing import Any
from urllib.parse import urlsplit

import orjson

from pipeline.core import adapters
from pipeline.core.domain import BATCH, FLEX, Answer, Request, Usage
from pipeline.job.models import Model
from pipeline.job.spec import Job
from pipeline.money.estimate import Expected
from pipeline.money.prices import HALVED, OPENAI, STANDARD, Price, price_of
from pipeline.wire.batching import Vendor, vendors

TIER = "service_tier"
_IN_BODY = TIER.encode()
_MODERATES = ("omni-moderation-", "text-moderation-")
"""how the names of OpenAI's models begin that moderate, for which it takes no money"""
UNKNOWN = "compatible"
"""the name of a server of which nothing is known"""
_REHEARSAL = "scripted"
"""the provider that only pretends"""


@dataclass(frozen=True, slots=True)
class Charge:
    """What an attempt has used and cost, in nano-dollars; if the usage is not `whole`, the most it can be."""

    usage: Usage
    cost: int | None


@dataclass(frozen=True, slots=True)
class Tariff:
    """A lane's price; None where it is not known. `free` is for models that cost nothing at all."""

    price: Price | None
    free: bool = False
    served: set[str] = field(default_factory=set, compare=False)
    """tiers with a known price that have answered: it may be a more expensive one than the request names"""

    @property
    def known(self) -> bool:
        """Whether anything can be said about money."""
        return self.free or self.price is not None

    def cost(self, answer: Answer, asked: str = "") -> int | None:
        """Nano-dollars of an answer by the usage that came with it; None where the price is not known.

        The tier that served it counts, not the one that was `asked` for; but a batch has its own price
        whatever usual tier its lines name. An answer whose tokens are not all counted has no known price: it
        does not count as free.
        """
        if self.price is None:
            return 0 if self.free else None
        if not answer.counted:
            return None
        cost = self.price.cost(answer.usage, _billed(answer, asked))
        if cost is not None and answer.tier not in STANDARD:
            self.served.add(answer.tier)
        return cost

    def most(self, request: Request, expected: Expected) -> int | None:
        """The most nano-dollars that a request can cost, in the most expensive tier that may answer it."""
        if self.price is None:
            return 0 if self.free else None
        costs = [
            self.price.worst(expected.worst_input, expected.most, tier)
            for tier in (_tier(request), *self.served)
        ]
        return None if None in costs else max(cost for cost in costs if cost is not None)

    def charge(self, answer: Answer, request: Request, expect: Callable[[Request], Expected]) -> Charge:
        """What an answer has used and cost; where not all of it is known, the most that it can be."""
        cost, used = self.cost(answer, request.tier), answer.usage
        if answer.counted and (cost is not None or not self.known):
            return Charge(used, cost)
        expected = expect(request)
        if not answer.counted:
            used = Usage(max(used.input, ceil(expected.worst_input)), max(used.output, ceil(expected.most)))
        used = replace(used, whole=False)
        counted = Expected(used.input, used.output, used.output)
        costs = [self.most(request, one) for one in (expected, counted)]
        return Charge(used, None if None in costs else max(cost for cost in costs if cost is not None))

    def mean(self, request: Request, expected: Expected) -> int | None:
        """Nano-dollars that a request is expected to cost."""
        if self.price is None:
            return 0 if self.free else None
        return self.price.cost(Usage(round(expected.input), round(expected.output)), _tier(request))

    def sample(self, usage: Usage, tier: str) -> int | None:
        """Nano-dollars of so many tokens in a tier."""
        return self.price.cost(usage, tier) if self.price is not None else 0 if self.free else None

    def dearer(self, request: Request, answer: Answer) -> str:
        """What to say where an answer costs more than the tier that was asked for; '' where it does not."""
        asked, served = _tier(request), _billed(answer, request.tier)
        if self.free or served == asked or (asked in STANDARD and served in STANDARD):
            return ""
        least, cost = self.sample(answer.usage, asked), self.sample(answer.usage, served)
        if least is not None and cost is not None:
            dear = cost > least
        else:
            dear = served not in HALVED and (asked in HALVED or served not in STANDARD)
        by = f"served by '{served[:40]}'" if served else "and the server does not say what served them"
        return f"asked for the service tier '{asked or 'default'}', {by}: that costs more" if dear else ""


def _billed(answer: Answer, asked: str) -> str:
    """The tier whose price an answer has."""
    return BATCH if asked == BATCH and answer.tier in STANDARD else answer.tier


def _tier(request: Request) -> str:
    return request.tier or named_tier(request)


def named_tier(request: Request) -> str:
    """The service tier that the job's own params name; '' for none."""
    if _IN_BODY not in request.body:  # nearly always; this saves parsing the body
        return ""
    tier = orjson.loads(request.body).get(TIER)
    return tier if isinstance(tier, str) else ""


def tariff_of(model: Model) -> Tariff:
    """The tariff of a model at its endpoint: what the job states, or what the built-in list knows."""
    provider = adapters.load("providers", model.provider)
    stated: dict[str, Any] | None = model.price.model_dump(exclude_none=True) if model.price else None
    address = provider.address(model)
    moderates = model.model.startswith(_MODERATES) and urlsplit(address).hostname == urlsplit(OPENAI).hostname
    if stated is None and (provider.CAPABILITIES.free or moderates):
        return Tariff(None, free=True)
    vendor = vendor_at(model)
    known = dict.fromkeys((BATCH, FLEX) if vendor.flex else (BATCH,), vendor.factor)
    return Tariff(price_of(model.model, address, stated, known))


def vendor_at(model: Model) -> Vendor:
    """What is known of the server that a model is asked at."""
    vendor = adapters.load("providers", model.provider).CAPABILITIES.vendor
    known: Vendor = vendor(model) if vendor else vendors()[UNKNOWN]
    return known


def rehearsed(job: Job) -> str:
    """How the names of models begin whose attempts were a rehearsal: they count for no money.

    It is '' where the job asks such a model now: what a rehearsal pretends to spend then counts as spent.
    """
    asked = {model.provider for step in job.steps for model in job.models_of(step).values()}
    return "" if _REHEARSAL in asked else adapters.load("providers", _REHEARSAL).CAPABILITIES.model_prefix


def unpriced(model: Model) -> str:
    """Why a budget in dollars cannot hold for a model; '' where its price is known."""
    tariff = tariff_of(model)
    if not tariff.known:
        return f"the price of model '{model.model}' is not known"
    tier = model.lane if model.lane in (FLEX, BATCH) else model.params.get(TIER)
    if tariff.price is not None and isinstance(tier, str) and tariff.price.worst(1, 1, tier) is None:
        return f"the price of model '{model.model}' in the service tier '{tier}' is not known"
    return ""
