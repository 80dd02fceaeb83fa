"""All lanes of a run: built from the job, taught what earlier runs did, and steered while they work.

This module walks nothing and prints nothing.
"""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import AsyncExitStack

import anyio

from pipeline import accounts, kinds, tokens
from pipeline.conversation import read
from pipeline.domain import Call, Fault, Reply, Request, Usage
from pipeline.endpoints import Place, places_of
from pipeline.job import MOST_AUTO, Job, Limits
from pipeline.journal import Journal
from pipeline.lane import Lane, Shared, guarded
from pipeline.limits.breaker import DOWN
from pipeline.limits.pace import DAY, MINUTE
from pipeline.toll import Toll, toll_of

HANDS_PER_SLOT = 2
"""who backs off holds a hand but no slot, so there are more hands than slots"""
LEAST_HANDS = 8
"""of every lane: only if several fail on end is it the server that is down, not one bad request"""
MOST_HANDS = 4096


class Fleet:
    """The lanes behind the models that a job's steps name, with their fallbacks."""

    def __init__(self, job: Job, shared: Shared) -> None:
        self._job = job
        self._shared = shared
        self._sends: dict[str, tuple[Lane, Call]] = {}
        self._of_model: dict[str, list[Lane]] = {}
        self._calls: dict[str, Call] = {}
        self.limits: dict[str, Limits] = {}
        """the limits of every model as they are now"""

    @property
    def lanes(self) -> list[Lane]:
        """Every lane once."""
        return self._shared.lanes

    async def launch(self, names: Iterable[str], stack: AsyncExitStack) -> dict[str, Call]:
        """A guarded call for every model; the stack closes them."""
        for name in dict.fromkeys(name for first in names for name in self._job.chain(first)):
            model = self._job.models[name]
            sends = [await self._send(place, stack) for place in places_of(name, model)]
            self.limits[name] = model.limits
            await anyio.to_thread.run_sync(tokens.count, "", model.model)  # its first use takes a second
            self._of_model[name] = [lane for lane, _, _ in sends]
            instead = self._later(model.fallback.model) if model.fallback else None
            self._calls[name] = guarded(model, sends, self._shared, instead)
        self._remember()
        return self._calls

    def _later(self, name: str) -> Call:
        """A call to a model whose own call may not be there yet."""

        async def ask(request: Request) -> Reply:
            return await self._calls[name](request)

        return ask

    async def _send(self, place: Place, stack: AsyncExitStack) -> tuple[Lane, float, Call]:
        """The lane of a place. Models that differ in their params alone share one: it is one account."""
        identity = place.model.model_dump_json(exclude={"params", "fallback"})
        if identity not in self._sends:
            connect = kinds.load("providers", place.model.provider).connect
            send: Call = await stack.enter_async_context(connect(place.model))
            lane = Lane(place.name, place.model.limits, toll_of(place.model), self._shared)
            lane.model, lane.own = place.model.model, place.own
            if place.model.api_key_env:
                lane.where = f"{place.name} (key: {place.model.api_key_env})"
            self._sends[identity] = lane, send
        lane, send = self._sends[identity]
        return lane, place.weight, send

    def _remember(self) -> None:
        """Let the limits know what was sent in the last minute, or day, by an earlier run."""
        for lane in self.lanes:
            lane.breaker.answered_before = accounts.has_answered(self._shared.journal, lane.model)
            lane.breaker.evidence.remember(accounts.failing(self._shared.journal, lane.model, DOWN))
        for step, model, output in accounts.latest_outputs(self._shared.journal):
            for lane in self.lanes:
                if lane.model == model:
                    lane.estimator.remember(step, model, output)
        names = {lane.name for lane in self.lanes}
        daily = any(lane.rpd.limit for lane in self.lanes)
        now = anyio.current_time()
        for ago, model, endpoint, used in accounts.recent(self._shared.journal, DAY if daily else MINUTE):
            for lane in self.lanes:
                if lane.model == model and (endpoint in ("", lane.name) or endpoint not in names):
                    lane.rpd.seed(ago, 1, now)
                    if ago < MINUTE:
                        lane.rpm.seed(ago, 1, now)
                        lane.tpm.seed(ago, used, now)

    def hands(self, waiting: int = 0) -> int:
        """How many records may be walked at once, while so many requests wait for their next try.

        Who is in the line for it is no reason not to begin another record, which may fare better.
        """
        hands = (
            max(LEAST_HANDS, HANDS_PER_SLOT * lane.width.width) + lane.turnstile.repeating
            for lane in self.lanes
        )
        return min(MOST_HANDS, sum(hands) + waiting)

    def most_at_once(self, name: str) -> int:
        """The most requests that there are connections for."""
        return max(self._job.models[name].limits.most_at_once, MOST_AUTO)

    def refit(self, name: str, limits: Limits) -> None:
        """Give a model other limits while the run goes on. What an endpoint has of its own stays."""
        before, self.limits[name] = self.limits[name], limits
        changed = {key: value for key, value in limits if value != getattr(before, key)}
        for lane in self._of_model[name]:
            lane.refit(lane.limits.model_copy(update={k: v for k, v in changed.items() if k not in lane.own}))


def count_anew(job: Job, journal: Journal) -> int:
    """Count and price the replies that an earlier run could not; how many there were."""
    tolls = _tolls(job)
    priced = {model for (_, model, _), toll in tolls.items() if toll.known}
    counted, after = 0, 0
    while rows := journal.uncounted(priced, after):
        for seq, api, model, step, endpoint, body in rows:
            try:
                answer = read(Reply(api, body))
            except Fault:
                journal.count_row(seq, Usage(), 0)
                continue
            toll = tolls.get((step, model, endpoint)) or tolls.get((step, model, ""))
            journal.count_row(seq, answer.usage, toll.cost(answer) if toll else None)
        counted += len(rows)
        after = rows[-1][0]
    return counted


def _tolls(job: Job) -> dict[tuple[str, str, str], Toll]:
    """The toll of every step, model's name and endpoint; the endpoint '' stands for a step's first."""
    tolls: dict[tuple[str, str, str], Toll] = {}
    for step in job.steps:
        for name, model in job.chain(step.model).items():
            for place in places_of(name, model):
                toll = toll_of(place.model)
                tolls[step.name, model.model, place.name] = toll
                tolls.setdefault((step.name, model.model, ""), toll)
    return tolls
