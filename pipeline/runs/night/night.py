"""The batches of a run: what a walk parked is submitted, and waited for, and then the walk finds its answers.

    a walk parks what it misses -> a batch is wanted -> submitted -> collected -> the next walk finds it all

Before a deadline, the batches that are still open are cancelled, and the rest is sent by itself. This module
does not know rows, steps or HTTP.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import anyio

from pipeline.core.clock import spoken
from pipeline.core.display import counted
from pipeline.core.domain import Fate, Fault
from pipeline.core.errors import Detached, Interrupted
from pipeline.core.progress import Progress
from pipeline.journal.batches import Batch
from pipeline.runs.night.deadline import Deadline
from pipeline.runs.night.submit import submit
from pipeline.runs.night.under_way import UnderWay

ENDING = 15.0
"""seconds from one look to the next at batches that were cancelled"""
FIRST, GROWS, SLOWEST = 0.2, 0.1, 120.0
"""a batch is looked at after a tenth of the time since it was made; at least and at most so many seconds"""


@dataclass
class Night:
    """The batches of one run, and the lane by which each model is asked now."""

    under_way: UnderWay
    lanes: dict[str, str]
    """the lane that each model is to be asked by, where it is another than sync"""
    deadline: Deadline | None = None
    detach: bool = False
    """whether the run ends when everything is submitted"""
    usual: float = 0.0
    """seconds in which nearly all answers came that were asked for by themselves; 0 where none did"""
    alone: float = 0.0
    """seconds that all that is missing would take, sent one by one"""
    _said: bool = False
    _later: list[Batch] = field(default_factory=list)
    """batches for which the server has no room yet"""
    _woken: anyio.Event = field(default_factory=anyio.Event)

    def lane_of(self, name: str) -> str:
        """How a model is asked now: sync, flex or batch."""
        lane = self.lanes.get(name, "sync")
        if lane == "sync" or self.deadline is None:
            return lane
        api = self.under_way.apis.get(name)
        flex = lane == "flex" or (api is not None and api.vendor.flex)
        now = self.deadline.lane(self._now(), self.alone, flex=flex)
        return "flex" if (lane, now) == ("flex", "batch") else now

    def _now(self) -> float:
        shared = self.under_way.shared
        return shared.clock.at(shared.now())

    async def goes_on(self, progress: Progress, chain: int) -> bool:
        """Submit what a walk has parked, and wait; whether the records are to be walked again.

        `chain` is how many requests of a record come one after the other.
        """
        batches, parked = self.under_way, self.under_way.parked
        missing = max(0, progress.steps_expected - progress.steps)
        if self.deadline is not None:
            self.alone = self.deadline.alone(missing, chain, batches.shared.lanes, self.usual)
            self._say_when(self.deadline)
        await self._submit()
        if not batches.open and not self._later:
            self._check_budget()
            return False
        await self._wait()
        progress.waits = parked.left_out = ""  # the next walk tries what the budget kept out
        if batches.cancelled and not batches.open:
            raise Interrupted("the batches were cancelled; what they had answered is in the journal")
        return True

    def _say_when(self, deadline: Deadline) -> None:
        """Say once until when batches are waited for."""
        shared, now = self.under_way.shared, self._now()
        until, by = (
            spoken(shared.clock.local(shared.now() + at - now), shared.clock.local(shared.now()))
            for at in (deadline.begins(self.alone), deadline.by)
        )
        if not self._said and now < deadline.begins(self.alone) and "batch" in self.lanes.values():
            self._said = True
            shared.say(
                f"batches are waited for until about {until}; the rest then goes without, to be done by {by}"
            )

    async def _submit(self) -> None:
        """Submit what fits of all that was parked; nothing, once the risk buffer has begun."""
        parked = self.under_way.parked
        waiting, self._later = [*self._later, *parked.ready()], []
        for batch in waiting:
            if self._has_room(batch) and not self._in_buffer():
                await submit(batch, self.under_way)
            else:
                self._later.append(batch)

    def _has_room(self, batch: Batch) -> bool:
        """Whether the server takes one more now: some bound the tokens that wait there."""
        parked = self.under_way.parked
        ours = [one for one in self.under_way.open.values() if one.name == batch.name]
        if not ours:
            return True
        if batch.name in parked.most:  # it refused a batch because of its limits
            return False
        most = parked.vendors[batch.name].most_tokens
        return most is None or sum(map(parked.tokens, [batch, *ours])) <= most

    def _check_budget(self) -> None:
        """Stop where requests were left out because of the budget, and nothing is under way any more."""
        parked, fuse = self.under_way.parked, self.under_way.shared.fuse
        lack, parked.left_out = parked.left_out, ""
        if lack:
            fuse.blow(Fault("out_of_budget", f"the next request would pass {lack}", fate=Fate.STOP))
            fuse.check()

    async def wait_for_all(self) -> None:
        """Return when no batch is open."""
        while self.under_way.open:
            await self._wait()

    async def _wait(self) -> None:
        """Return when a batch was collected, or when the rest must go another way."""
        while not await self.under_way.collect():
            if self.under_way.cancelled:
                await self.under_way.cancel_all()
            if self.deadline is not None and self._in_buffer():
                await self._give_up(self.deadline)
                return
            if self.detach and all(one.id for one in self.under_way.open.values()):
                raise Detached(len(self.under_way.open))
            self._tell()
            with anyio.move_on_after(self._pause()):
                await self._woken.wait()
                self._woken = anyio.Event()

    def _in_buffer(self) -> bool:
        return self.deadline is not None and self._now() >= self.deadline.begins(self.alone)

    async def _give_up(self, deadline: Deadline) -> None:
        """The buffer has begun: end all batches, and wait for that as long as there is time."""
        batches = self.under_way
        batches.shared.say("the rest goes without batches, to be done in time: the open ones are cancelled")
        batches.closing = True
        left = deadline.last(self.alone) - self._now()
        while batches.open:
            with anyio.move_on_after(max(left, ENDING)):  # one round at least: little is to be paid for twice
                await batches.cancel_all()
                await batches.collect()
            left = deadline.last(self.alone) - self._now()
            if left <= 0:
                break
            if batches.open:
                self._tell()
                await anyio.sleep(min(ENDING, left))
        for batch in list(batches.open.values()):
            await (batches.leave(batch) if batch.id or batch.unsure else batches.refused(batch, "no time"))
        batches.closing = False
        for batch in self._later:
            batches.parked.let_go(batch)
            batches.parked.remove(batch)
        self._later.clear()

    def cancel(self) -> int:
        """Ask for the end of all batches; how many are open."""
        self.under_way.cancelled = True
        self._woken.set()
        return len(self.under_way.open)

    def goes_on_without(self) -> str:
        """What becomes of the open batches when the run ends; '' where there is none."""
        made = sum(bool(one.id) for one in self.under_way.open.values())
        then = "the same command collects the answers; `pipeline ctl JOB cancel` ends all batches"
        return f"{counted(made, 'batch')} still at the server: {then}" if made else ""

    def _pause(self) -> float:
        """Seconds until the next look: short for a batch that was just made."""
        made = max((one.made for one in self.under_way.open.values()), default=0.0)
        slowest = ENDING if self.under_way.cancelled else SLOWEST
        return min(max(FIRST, GROWS * abs(self._now() - made)), slowest)  # the clock may have been set back

    def _tell(self) -> None:
        ours = self.under_way.open.values()
        done, total = sum(one.done for one in ours), sum(one.total for one in ours)
        said = f"{counted(len(ours), 'batch')}: {done:,} of {counted(total, 'request')} done"
        silent = "; the server does not answer now" if self.under_way.silent else ""
        self.under_way.shared.progress.waits = said + silent
