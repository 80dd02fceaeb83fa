"""What each lane would cost for what a plan has found missing. This module sends nothing."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence, Set

from pipeline.job.models import Model
from pipeline.job.spec import Job
from pipeline.money.lanes import LANES, SYNC, meaning, resolved_lane, why_not
from pipeline.runs.result import LanePlan, Plan


def varied(job: Job) -> dict[str, Model]:
    """The models whose lanes a plan compares: those for which the job names one, else all."""
    return {name: model for name, model in job.models.items() if model.lane != SYNC} or dict(job.models)


def compared(
    job: Job, plan: Plan, names: Set[str], costs: Mapping[str, Sequence[float | None]]
) -> Iterator[LanePlan]:
    """What each lane would cost; nothing where the job goes by sync, and that is the cheapest.

    `names` are the models that are asked, and `costs` are the dollars of each step by each lane.
    """
    models = {name: model for name, model in varied(job).items() if name in names}
    own = {name: resolved_lane(model) for name, model in models.items()}
    asked = any(model.lane != SYNC for model in models.values())
    for lane in LANES if plan.missing or plan.later else ():
        cost = None if None in costs[lane] else sum(one for one in costs[lane] if one is not None)
        cannot = {name: why for name, model in models.items() if (why := why_not(lane, model))}
        chosen = all(own[name] == lane for name in models.keys() - cannot.keys())
        cheaper = cost is not None and plan.cost is not None and cost < plan.cost
        if len(cannot) < len(models) and (asked or cheaper):
            said = (
                sentence for name in models.keys() - cannot.keys() for sentence in meaning(lane, models[name])
            )
            yield LanePlan(lane, chosen, cost, plan.most, cannot, tuple(dict.fromkeys(said)))
