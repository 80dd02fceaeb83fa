"""All lanes of a run: built from the job, told what earlier runs sent, and changed while they work.

This module walks nothing and prints nothing.
"""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import AsyncExitStack
from urllib.parse import urlsplit

import anyio

from pipeline.core import adapters
from pipeline.core.display import counted
from pipeline.core.domain import Call, Reply, Request
from pipeline.core.errors import JobError
from pipeline.job.endpoints import Place, places_of
from pipeline.job.fields import is_here
from pipeline.job.models import MOST_AUTO, Limits
from pipeline.job.spec import Job
from pipeline.journal import accounts
from pipeline.lanes.guards.verdict import OF_THE_ACCOUNT
from pipeline.lanes.lane import Lane, Shared, guarded
from pipeline.lanes.limits.circuit_breaker import DOWN
from pipeline.lanes.limits.rate import DAY, MINUTE
from pipeline.money import tokens
from pipeline.money.tariff import tariff_of

HANDS_PER_SLOT = 2
"""a request that waits for its next try holds a hand but no slot, so more hands than slots are needed"""
LEAST_HANDS = 8
"""hands of every lane at the least: one bad request alone must not look like a server that is down"""
MOST_HANDS = 4096


class Lanes:
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
            try:
                sends = [await self._send(place, stack) for place in places_of(name, model)]
            except JobError as error:
                error.where = error.where or self._job.text.where(("models", name))
                raise
            self.limits[name] = model.limits
            if self._shared.budget.counts_tokens:  # its first use takes a second
                await anyio.to_thread.run_sync(tokens.count, "", model.model)
            self._of_model[name] = [lane for lane, _, _ in sends]
            instead = self._later(model.fallback.model) if model.fallback else None
            self._calls[name] = guarded(model, sends, self._shared, instead, name)
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
            provider = adapters.load("providers", place.model.provider)
            send: Call = await stack.enter_async_context(self._shared.connect(provider, place.model))
            tariff, here = tariff_of(place.model), is_here(urlsplit(place.model.base_url).hostname or "")
            limits = place.model.limits
            if place.model.lane != "sync":
                limits = limits.model_copy(update={"timeout": place.model.patience})
            lane = Lane(place.name, limits, tariff, self._shared, here=here)
            if place.model.limits.concurrency == "auto" and (slots := await provider.slots(place.model)):
                lane.concurrency.begin_with(slots)
            lane.model, lane.own = place.model.model, place.own
            if place.model.api_key_env:
                lane.where = f"{place.name} (key: {place.model.api_key_env})"
            self._sends[identity] = lane, send
        lane, send = self._sends[identity]
        return lane, place.weight, send

    def _remember(self) -> None:
        """Tell the limits what earlier runs learnt of each model, and what they sent in the last day."""
        for lane in self.lanes:
            answered = accounts.has_answered(self._shared.journal, lane.model)
            lane.circuit_breaker.answered_before = answered
            refused = accounts.failing(self._shared.journal, lane.model, OF_THE_ACCOUNT)
            lane.verdict.remember(answered, refused)
            if pace := accounts.pace(self._shared.journal, lane.model):
                lane.concurrency.remember(*pace)
            lane.circuit_breaker.evidence.remember(accounts.failing(self._shared.journal, lane.model, DOWN))
        for step, model, output in accounts.latest_outputs(self._shared.journal):
            for lane in self.lanes:
                if lane.model == model:
                    lane.estimator.remember(step, model, output)
        self._remember_sent()

    def _remember_sent(self) -> None:
        names = {lane.name for lane in self.lanes}
        daily = any(lane.rpd.limit for lane in self.lanes)
        if ahead := accounts.to_come(self._shared.journal):
            one = counted(ahead, "earlier attempt")
            self._shared.say(f"{one} at a time still to come: the clock was ahead; no limit counts them")
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

        A request that waits for its next try must not keep another record from beginning.
        """
        hands = (
            max(LEAST_HANDS, HANDS_PER_SLOT * lane.concurrency.width) + lane.queue.repeating
            for lane in self.lanes
        )
        return min(MOST_HANDS, sum(hands) + waiting)

    def first(self, name: str) -> Lane:
        """The first lane of a model."""
        return self._of_model[name][0]

    def most_at_once(self, name: str) -> int:
        """The most requests that there are connections for."""
        return max(self._job.models[name].limits.most_at_once, MOST_AUTO)

    def refit(self, name: str, limits: Limits) -> None:
        """Give a model other limits while the run goes on. An endpoint's own limits stay."""
        before, self.limits[name] = self.limits[name], limits
        changed = {key: value for key, value in limits if value != getattr(before, key)}
        for lane in self._of_model[name]:
            lane.refit(lane.limits.model_copy(update={k: v for k, v in changed.items() if k not in lane.own}))
