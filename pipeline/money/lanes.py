"""By which lane a model is asked: sync, flex or batch; why another one cannot be used, and what each means.

This module sends nothing and does not know the journal.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cache

from pipeline.core import adapters
from pipeline.core.display import counted
from pipeline.core.domain import BATCH, FLEX, Usage
from pipeline.core.errors import JobError
from pipeline.job.endpoints import places_of
from pipeline.job.models import Model
from pipeline.job.spec import Job
from pipeline.money.tariff import TIER, UNKNOWN, tariff_of, vendor_at

SYNC = "sync"
LANES = (BATCH, FLEX, SYNC)
"""the cheapest first; of two at the same price the first one is taken"""
FLEX_APIS = ("chat", "responses")
"""dialects that have service tiers"""
_SAMPLE = Usage(1_000_000, 1_000_000)


def why_not(lane: str, model: Model) -> str:
    """Why a model cannot be asked by a lane at all its places; '' where it can, as far as is known."""
    return next((why for place in places_of("", model) if (why := _why_not(lane, place.model))), "")


def _why_not(lane: str, model: Model) -> str:
    able = adapters.load("providers", model.provider).CAPABILITIES
    if lane == SYNC:
        return ""
    if able.free and not able.model_prefix:
        return f"the provider {model.provider} costs nothing, and has no cheaper lane"
    vendor = vendor_at(model)
    if vendor.name == UNKNOWN and model.preset and BATCH not in model.options and _is_free(model):
        return f"the preset {model.preset} costs nothing here, and has no cheaper lane"
    if lane == BATCH:
        if able.batches is None:
            return f"the provider {model.provider} takes no batches"
        if model.api not in vendor.apis and vendor.apis:
            return f"batches of {vendor.name} take {', '.join(vendor.apis)}, and not '{model.api}'"
        return "" if vendor.apis else f"{vendor.name} takes no batches in this form"
    if model.api not in FLEX_APIS:
        return f"only {' and '.join(FLEX_APIS)} have the service tier flex, and not '{model.api}'"
    known = vendor.flex or vendor.name == UNKNOWN
    return "" if known else f"{vendor.name} has no service tier flex that is cheaper"


def _is_free(model: Model) -> bool:
    return model.price is not None and model.price.input == model.price.output == 0


def objection(model: Model) -> tuple[str, str]:
    """What is wrong with the lane that the job names, and what to do; '' where nothing is."""
    if model.lane == SYNC:
        return "", ""
    if TIER in model.params:
        return f"lane: {model.lane} and params.{TIER} contradict each other", f"leave one of them out: {TIER}"
    why = why_not(model.lane, model) if model.lane in LANES else ""
    can = [lane for lane in LANES if why and not why_not(lane, model)]
    return (f"lane: {model.lane} cannot work: {why}", f"write lane: {' or '.join(can)}") if why else ("", "")


def check_lanes(job: Job) -> None:
    """Refuse a job that asks a model by a lane that it does not have."""
    for name, model in job.models.items():
        what, hint = objection(model)
        if what:
            raise JobError(what, where=job.text.where(("models", name, "lane")), hint=hint)


def doubt(model: Model) -> str:
    """What is not known of the lane that a model is asked by; '' where nothing is in doubt."""
    vendor = vendor_at(model)
    if model.lane != FLEX or vendor.flex or adapters.load("providers", model.provider).CAPABILITIES.free:
        return ""
    return "it is not known whether the server has the service tier flex: it may ignore it, at the full price"


def resolved_lane(model: Model) -> str:
    """The lane that the job names; for cheapest the one whose price is known to be the lowest."""
    if model.lane in LANES:
        return model.lane
    prices = {lane: _price(lane, model) for lane in LANES if not why_not(lane, model)}
    known = {lane: price for lane, price in prices.items() if price is not None}
    return min(known, key=lambda lane: (known[lane], lane != SYNC)) if SYNC in known else SYNC


def _price(lane: str, model: Model) -> int | None:
    """What a fixed number of tokens costs by a lane, at the dearest of the model's places."""
    found = [tariff_of(place.model).sample(_SAMPLE, tier_of(lane)) for place in places_of("", model)]
    return None if None in found else max(price for price in found if price is not None)


def tier_of(lane: str) -> str:
    """The service tier of a lane's requests; '' for the usual one."""
    return "" if lane == SYNC else lane


def lanes_of(job: Job) -> Callable[[str], str]:
    """For the name of a model: the lane that the job wants for it."""
    return cache(lambda name: resolved_lane(job.models[name]))


def meaning(lane: str, model: Model) -> Iterator[str]:
    """What a lane means for a run, in sentences."""
    vendor = vendor_at(model)
    if lane == FLEX:
        yield f"Slower: up to {model.patience / 60:g} minutes for a request."
        yield "Refused, at no cost, while the server has no room."
        yield "At the full price where the standard tier serves."
    elif lane == BATCH:
        yield f"Answers come within {vendor.window}{'' if vendor.expires else ', or later'}."
        yield "Each later step, and each repair, is one more batch."
        days = vendor.retention
        kept = f"for {counted(days, 'day')}" if days else "for a time that is not known"
        yield f"The server keeps the results {kept}: collect them before."
        stated = model.price is not None and BATCH in model.price.tiers
        if vendor.note and not stated:
            yield vendor.note
