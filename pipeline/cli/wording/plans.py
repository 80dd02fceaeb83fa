"""A plan and a pilot in words."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import asdict
from math import isinf
from typing import Any

from pipeline.cli.wording._base import NO_RECORDS, of_sharing, table
from pipeline.core.display import counted, dollars
from pipeline.core.domain import DOLLAR
from pipeline.runs.pilot import Interval, Pilot
from pipeline.runs.result import LanePlan, Plan, StepPlan


def of_plan(plan: Plan) -> Iterator[str]:
    """The lines of a plan."""
    failed = f", {plan.failed:,} of them failed" if plan.failed else ""
    size = f"{counted(plan.records, 'record')}, {counted(plan.rows, 'row')}"
    yield f"{size}, {plan.complete:,} of them complete{failed}"
    if plan.chosen:
        yield f"Only {plan.chosen}."
    if not plan.records:
        yield NO_RECORDS
    rows = [
        (
            step.step,
            step.model,
            f"{step.answered:,}",
            f"{step.missing:,}",
            *([f"{step.in_batches:,}"] if plan.in_batches else []),
            _then(step),
            f"{step.input_tokens:,}",
            f"{step.output_tokens:,}",
            "no limit set" if step.output_limit is None else f"{step.output_limit:,}",
            _about(step),
        )
        for step in plan.steps
    ]
    estimates = ("tokens in", "out about", "out limit", "cost about")
    open_batches = ["in batches"] if plan.in_batches else []
    yield from table(("step", "model", "answered", "missing", *open_batches, "then", *estimates), rows)
    yield from of_sharing({step.step: step.sharing for step in plan.steps if step.sharing})
    if plan.in_batches:
        at_most = f", at most {dollars(plan.in_batches_most)}" if plan.cost is not None else ""
        asked = f"{counted(plan.in_batches, 'request')}{at_most}"
        yield f"In open batches: {asked}; they are paid for or under way, and not counted as missing."
    yield from _money(plan)
    yield from (_of_lane(lane, plan) for lane in plan.lanes)
    for name, (left, whole) in plan.left_of.items():
        short = "; that may not be enough" if plan.needed(name) > left else ""
        yield f"Left of budget.{name}: {left:,} of {whole:,}{short}."


def _of_lane(lane: LanePlan, plan: Plan) -> str:
    """One lane in a line: its price, who cannot go by it, and what it means for a run."""
    own = " (as this job asks)" if lane.chosen else ""
    now = (
        " for what can be asked now"
        if any(one.later and one.later_cost is None for one in plan.steps)
        else ""
    )
    price = "price not known" if lane.cost is None else f"about {dollars(lane.cost)}{now}"
    most = "" if lane.most is None else f", at most {dollars(lane.most)}"
    others = (f"{name} goes by its own: {why}" for name, why in lane.not_by_it.items())
    return " ".join((f"lane: {lane.lane}{own}: {'; '.join((price + most, *others))}.", *lane.caveats))


def _then(step: StepPlan) -> str:
    how = f"{step.later:,} or more" if step.items else f"up to {step.later:,}"
    return how if step.later else ""


def _about(step: StepPlan) -> str:
    if step.cost is None:
        return "not known"
    if not step.later:
        return dollars(step.cost)
    later = "not known yet" if step.later_cost is None else dollars(step.later_cost)
    return f"{dollars(step.cost)} + {later}" if step.missing else later


def _money(plan: Plan) -> Iterator[str]:
    if plan.cost is None:
        yield "Nothing was sent. A price is not known: state it under models.<name>.price."
        return
    unknown = any(step.later and step.later_cost is None for step in plan.steps)
    now = f" for {counted(plan.missing, 'request')} that can be asked now" if plan.later else ""
    held = " (budget.cost)" if plan.held_by_budget else ""
    bound = f"; no bound: {plan.no_bound}" if plan.most is None else f", at most {dollars(plan.most)}{held}"
    most = bound if plan.missing or plan.later else ""
    maybe = f", and at most {dollars(plan.maybe_spent)} that may have been billed" if plan.maybe_spent else ""
    spent = f"Spent so far: {dollars(plan.spent)}{maybe}"
    yield f"Nothing was sent. To come: about {dollars(plan.cost)}{now if unknown else ''}{most}. {spent}."
    if plan.most and plan.most > plan.cost and not held:
        yield "At most: with all repairs, samples, judges, other models, and retries that may be billed."
    if unknown:
        how = "at least" if any(step.items for step in plan.steps) else "up to"
        yield f"The cost of {how} {plan.later:,} later requests is not known: `run --pilot 30` measures it."
    if plan.left is not None:
        short = "; that may not be enough" if plan.cost > plan.left else ""
        yield f"Left of budget.cost: {dollars(plan.left)} of {dollars(plan.budget)}{short}."
    if not all(step.measured for step in plan.steps if step.missing):
        yield "Each answer is estimated at its token limit, or at 500 tokens; `run --pilot 30` measures them."


def of_pilot(pilot: Pilot) -> Iterator[str]:
    """What a pilot has shown."""
    failed = f", {pilot.failed:,} failed" if pilot.failed else ""
    spent = f", {dollars(pilot.spent / DOLLAR)}" if pilot.priced and pilot.requests else ""
    size = f"{counted(pilot.records, 'record')}, {counted(pilot.requests, 'request')} sent"
    yield f"pilot: {size}{spent}; rows: {pilot.ok:,} ok{failed}"
    left = f"left: {counted(pilot.rest, 'record')}"
    if not pilot.rest:
        yield f"{left}; all is answered"
        return
    if not pilot.records:
        yield f"{left}; the records of the pilot needed no request, so their cost is not known"
        return
    if pilot.priced:
        yield f"{left}, about {_between(pilot.cost, lambda value: dollars(value / DOLLAR))}"
    else:
        yield f"{left}; what they cost is not known: state it under models.<name>.price"
    yield f"{left}, about {_between(pilot.tokens, lambda value: f'{value:,.0f}', ' tokens')}"
    if pilot.maybe:
        yield f"not counted in that: {counted(pilot.maybe, 'attempt')} of the pilot that may have been billed"


def _between(found: Interval, said: Callable[[float], str], unit: str = "") -> str:
    """An estimate with its bounds, which one record alone cannot give."""
    if isinf(found.high):
        return f"{said(found.mean)}{unit} (from one record only)"
    if found.low == found.high:  # a few equal values do not say how far others may lie from them
        return f"{said(found.mean)}{unit} (all records of the pilot had the same)"
    return f"{said(found.mean)}{unit} ({said(found.low)} to {said(found.high)}, 95 times in 100)"


def numbers_of_plan(plan: Plan) -> dict[str, Any]:
    """The same for programs."""
    names = ("missing", "later", "cost", "most", "no_bound")
    sums = {name: getattr(plan, name) for name in names}
    return {**asdict(plan), **sums}
