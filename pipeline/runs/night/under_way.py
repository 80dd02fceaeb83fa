"""The batches that are under way: taken up again, looked at, collected, cancelled.

A batch ends here when all that it brought is in the journal. This module does not know what makes batches,
nor when they should end.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Iterable
from contextlib import AsyncExitStack, closing
from dataclasses import dataclass, field
from urllib.parse import urlsplit

import anyio

from pipeline.core import adapters
from pipeline.core.contracts import BatchApi, BatchState
from pipeline.core.display import counted
from pipeline.core.domain import Fate, Fault
from pipeline.core.errors import RunStopped
from pipeline.job.endpoints import places_of
from pipeline.job.spec import Job
from pipeline.journal import batches
from pipeline.journal.batches import Batch
from pipeline.lanes.lane import Lane, Shared
from pipeline.runs.night.collect import Brought, Collector
from pipeline.runs.night.parking import Parked, unwritable

TIMES_BACK = 2
"""a request that failed in so many batches is sent by itself"""
VAIN = 3
"""so many batches on end without an answer end the run"""
_LIMIT = re.compile("limit|quota|too (many|large|big)", re.I)
"""what a server says that would take fewer requests, or later"""
_GONE = "the server knows this batch no more"


@dataclass
class UnderWay:
    """All batches of a job that are wanted or made, and not collected yet."""

    job: Job
    shared: Shared
    parked: Parked
    attend: Callable[[Batch, UnderWay], Awaitable[None]]
    """has a batch made that has no id yet, or finds it"""
    apis: dict[str, BatchApi] = field(default_factory=dict)
    """of each model that has batches, by its name in the job"""
    open: dict[str, Batch] = field(default_factory=dict)
    left: list[Batch] = field(default_factory=list)
    """batches that did not end when they should have: nothing waits for them"""
    cancelled: bool = False
    """whether somebody asked for the end of all batches"""
    closing: bool = False
    """whether no batch is made any more, because the risk buffer has begun"""
    patient: bool = False
    """whether a server that is silent is waited for without end: until a risk buffer begins"""
    silent: dict[str, float] = field(default_factory=dict)
    """models whose server brings no answer, since when; and batches whose results it does not bring"""
    lane_named: Callable[[str], Lane] | None = None
    """set before anything is collected"""
    _states: dict[str, BatchState] = field(default_factory=dict)
    _failing: set[str] = field(default_factory=set)
    """those that were tried in this look at all batches; they are left alone until the next one"""
    _in_vain: int = 0
    _stop: RunStopped | None = None

    async def connect(self, names: Iterable[str], stack: AsyncExitStack) -> None:
        """Open the batches of these models, and take up those that earlier runs left open."""
        known = {one.mark: one for one in batches.all_of(self.shared.journal.select) if one.unfinished}
        self.parked.tidy(known)
        names = [*names]
        for name in dict.fromkeys([*names, *(one.name for one in known.values())]):
            if name not in self.job.models:
                continue
            model = places_of(name, self.job.models[name])[0].model
            opened = adapters.load("providers", model.provider).CAPABILITIES.batches
            if opened is not None:
                self.apis[name] = await stack.enter_async_context(opened(model))
                if name in names:
                    self.parked.vendors[name] = self.apis[name].vendor
        self.parked.alone = batches.came_back(self.shared.journal.select, TIMES_BACK)
        for one in known.values():
            self._take_up(one)

    def _take_up(self, batch: Batch) -> None:
        batch.earlier, batch.unsure = True, not batch.id
        if batch.name not in self.apis:
            lost = "takes no batches any more" if batch.name in self.job.models else "is gone from the job"
            what = f"a batch of model '{batch.name}' is open, and this model {lost}"
            hint = "put the model back, and run the job: what the batch answers is paid for"
            raise RunStopped(what, where=batch.id or batch.mark, hint=hint)
        if batch.state == "left":
            self.left.append(batch)
            return
        self.parked.take_up(batch)
        self.open[batch.mark] = batch

    def address(self, name: str) -> str:
        """The host where the batches of a model are made."""
        return urlsplit(places_of(name, self.job.models[name])[0].model.base_url).netloc.rpartition("@")[2]

    def check_address(self, batch: Batch) -> None:
        """Refuse to look for a batch elsewhere than where it may have been made: it is not there for sure."""
        there, here = batch.message, self.address(batch.name)
        if there and there != here and not self.cancelled:
            what = f"a batch of model '{batch.name}' may have been made at {there}, and not at {here}"
            hint = (
                "change base_url back, and run the job: what the batch answers is paid for. "
                "To give it up: pipeline ctl JOB cancel"
            )
            raise RunStopped(what, where=batch.mark, hint=hint)

    async def keep(self, batch: Batch) -> None:
        """Note how a batch stands now."""
        await self.shared.journal.commit(batches.CHANGE, batch.changes())

    async def refused(self, batch: Batch, message: str) -> None:
        """It will never be made: its requests are free again."""
        batch.state, batch.message = "refused", message[:500]
        await self.keep(batch)
        self._end(batch)

    def _end(self, batch: Batch) -> None:
        self.parked.let_go(batch)
        self.parked.remove(batch)
        self.open.pop(batch.mark, None)
        self._states.pop(batch.mark, None)
        self.silent.pop(batch.mark, None)
        self.left = [one for one in self.left if one is not batch]

    async def leave(self, batch: Batch) -> None:
        """Its requests are sent another way; what it still answers is paid for twice, and noted later."""
        twice = f"{counted(batch.total, 'request')} may be paid for twice"
        stands = f"batch {batch.id} does not end" if batch.id else "it is not known whether a batch was made"
        self.shared.say(f"{stands}: {twice}")
        batch.state = "left"
        await self.keep(batch)
        self.parked.let_go(batch)
        self.left.append(self.open.pop(batch.mark))

    def failed(self, name: str, fault: Fault, mark: str = "") -> None:
        """A call for a model, or for the results of one batch, has failed: raise, if that is final.

        What may pass is repeated for as long as `limits.outage` says.
        """
        if fault.fate is not Fate.RETRY:
            raise stopped(fault, self.shared) from None
        now = self.shared.now()
        since = self.silent.setdefault(mark or name, now)
        self._failing.add(mark or name)
        outage = self.job.models[name].limits.outage
        if now - since >= outage and not self.patient:
            raise stopped(fault.but(message=f"{fault.message}; so for {now - since:.0f} s"), self.shared)
        self.shared.progress.remark(f"batches could not be submitted or looked at: {fault.kind}")

    async def collect(self) -> int:
        """Look at all batches once, and collect those that have ended; how many did."""
        before = len(self.open)
        self._failing.clear()
        for batch in [*self.open.values(), *self.left]:
            if batch.name in self._failing:
                continue
            if not batch.id:
                await self.attend(batch, self)
            state = await self._look(batch) if batch.id else None
            if state is not None and state.ended:
                with anyio.CancelScope(shield=True):
                    await self._collect(batch, state)
        return before - len(self.open)

    async def _look(self, batch: Batch) -> BatchState | None:
        """How a batch stands; None where the server does not say so now."""
        try:
            state = await self.apis[batch.name].look(batch.id)
        except Fault as fault:
            if fault.fate is Fate.RETRY:
                self.failed(batch.name, fault)
                return None
            if fault.kind != "not_found":
                raise stopped(fault, self.shared) from None
            if batch.mark not in self._states and not self.cancelled:  # an earlier run has made it
                what = f"the server does not know a batch of model '{batch.name}'"
                hint = (
                    "were base_url or the key changed? Change them back, and run the job: what the batch "
                    "answers is paid for. To give it up: pipeline ctl JOB cancel"
                )
                raise RunStopped(what, where=batch.id, hint=hint) from None
            state = BatchState(batch.id, "failed", message=_GONE)
        self.silent.pop(batch.name, None)
        before, self._states[batch.mark] = self._states.get(batch.mark), state
        if state != before:
            batch.status, batch.done, batch.failed = state.status, state.done, state.failed
            self.shared.journal.put(batches.CHANGE, batch.changes())
        return state

    async def _collect(self, batch: Batch, state: BatchState) -> None:
        """Take its results into the journal, and then its end: a kill between them does no harm."""
        assert self.lane_named is not None  # noqa: S101 - the lanes are there before anything is submitted
        fallback = self.job.models[batch.name].fallback is not None
        lane = self.lane_named(batch.name)
        collector = Collector(batch, lane, self.shared, self.parked, fallback=fallback)
        with closing(collector):
            if not await self._taken(collector, batch, state):
                return
        self._learn(batch, state, collector.brought)
        batch.state, batch.status, batch.message = "ended", state.status, state.message[:500]
        await self.keep(batch)
        self._end(batch)
        self.parked.alone |= batches.came_back(self.shared.journal.select, TIMES_BACK)
        if self._stop is not None:
            raise self._stop

    async def _taken(self, collector: Collector, batch: Batch, state: BatchState) -> bool:
        """Whether all that it brought is in the journal; not, where its results cannot be fetched now."""
        if state.files:
            results = self.parked.path(f"{batch.mark}.results")
            try:
                results.parent.mkdir(exist_ok=True)
                await self.apis[batch.name].fetch(state, results)
                await collector.take(results, state)
            except Fault as fault:
                self.failed(batch.name, fault, batch.mark)
                return False
            except OSError as error:  # they are still at the server
                raise unwritable(results, error) from None
            finally:
                results.unlink(missing_ok=True)
        elif state.status == "completed" or state.done or state.message == _GONE:
            gone = "the server knows the batch no more"
            why = gone if state.message == _GONE else "the batch has ended, and has no file of results"
            self.shared.say(
                f"batch {batch.id}: {why}; its requests may have been billed, and are asked again"
            )
            await collector.lost(why)
        return True

    def _learn(self, batch: Batch, state: BatchState, brought: Brought) -> None:
        """Say what came, and learn from what did not."""
        counts = {"answered": brought.answered, "failed": brought.failed, "missing": brought.missing}
        self.shared.events.info("batch.ended", batch=batch.id, status=state.status, **counts)
        others = [f"{brought.failed:,} failed"] if brought.failed else []
        others += [f"{brought.missing:,} unanswered"] if brought.missing else []
        said = ", ".join([f"{brought.answered:,} of {counted(batch.total, 'request')} answered", *others])
        why = f" ({state.message})" if state.message else ""
        self.shared.say(f"batch {batch.id} {state.status}{why}: {said}")
        self._in_vain = 0 if brought.answered or self.cancelled else self._in_vain + 1
        refused = state.status == "failed" and not brought.answered
        if refused and _LIMIT.search(state.message) and batch.total > 1:
            self.parked.most[batch.name] = batch.total // 2
        elif not self.cancelled and (refused or self._in_vain >= VAIN):
            vain = f"{counted(self._in_vain, 'batch')} on end brought no answer"
            hint = f"ask in another way: --set models.{batch.name}.lane=sync; or run the job again later"
            self._stop = RunStopped(f"{vain}; the last one {state.status}{why}", hint=hint)

    async def cancel_all(self) -> None:
        """Ask for the end of every batch that has not been asked yet."""
        for batch in self.open.values():
            state = self._states.get(batch.mark)
            ends = state is not None and (state.ended or state.status == "ending")
            if batch.id and not ends and batch.name not in self.silent:
                try:
                    self._states[batch.mark] = await self.apis[batch.name].cancel(batch.id)
                except Fault as fault:
                    self.shared.progress.remark(f"a batch could not be cancelled: {fault.kind}")


def stopped(fault: Fault, shared: Shared) -> RunStopped:
    """The error for a fault that ends the run; it raises those that any request ends it with."""
    if fault.fate is Fate.STOP:
        shared.fuse.blow(fault)
        shared.fuse.check()
    hint = "run the same command again; to ask for each request by itself: --set models.NAME.lane=sync"
    return RunStopped(f"a batch cannot be submitted or looked at: {fault}", hint=hint)
