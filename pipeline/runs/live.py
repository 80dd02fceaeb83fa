"""One run of a job: look up what is known, ask for what is missing, write the table.

This module prints nothing; its caller may look at the `Progress` while it runs.
"""

from __future__ import annotations

import math
import time
from collections.abc import Awaitable, Callable, Collection, Iterator, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field, replace
from functools import cached_property, partial
from typing import Any

import anyio

from pipeline.answers.at_once import at_once
from pipeline.core.clock import Clock
from pipeline.core.display import counted, dollars
from pipeline.core.domain import DOLLAR, Fate, LookUp, Record
from pipeline.core.errors import RunStopped
from pipeline.core.progress import Progress
from pipeline.engine.stages import Stage
from pipeline.engine.walk import Branch, Walk
from pipeline.journal import accounts, recall
from pipeline.lanes.bottleneck import Bottleneck, watching
from pipeline.lanes.guards.fuse import ending_by
from pipeline.lanes.lane import Shared
from pipeline.lanes.lanes import Lanes
from pipeline.lanes.recount import count_anew
from pipeline.money.budget import Budget, Spent
from pipeline.money.lanes import lanes_of
from pipeline.money.tariff import rehearsed
from pipeline.output.table import Table
from pipeline.runs.control.server import controlled
from pipeline.runs.control.steering import Steering
from pipeline.runs.crowd.rounds import Rounds
from pipeline.runs.meaning.judging import judged
from pipeline.runs.night.shift import end_batches, goes_on, open_night
from pipeline.runs.publish import filing_of, publish
from pipeline.runs.result import Result
from pipeline.runs.retry_failed import let_stand_back
from pipeline.runs.state import RunState, was_known
from pipeline.runs.workers.crew import Crew, Hands, crew_of
from pipeline.system.signals import heard

FIRST_ANSWER = 1.0  # seconds that an answer is assumed to take before there is any


@dataclass
class Run(RunState):
    """One run of a job, from the first look into the journal to the table."""

    crew: Crew = field(init=False)  # who walks the records
    looked_up: bool = False  # whether all rows were looked up in the journal before anything was sent
    accepted: int = 0  # rows that this walk has found ok
    awaited: int = 0  # rows of this walk that wait for a batch

    async def conduct(self) -> Result:
        """Finish the table. Raises what stopped it."""
        began = time.monotonic()
        result: Result | None = None
        with heard(self.interrupted), self.fuse.scope:
            result = await self._finish()
        if result is None:
            self.fuse.check()
        assert result is not None  # noqa: S101 - the scope is cancelled by the fuse alone, which has raised
        return self._with_totals(result, time.monotonic() - began)

    def _with_totals(self, result: Result, seconds: float) -> Result:
        t = self.progress
        return replace(
            result,
            sent=t.sent,
            recalled=t.recalled,
            input_tokens=t.input_tokens,
            output_tokens=t.output_tokens,
            cached_tokens=t.cached_tokens,
            seconds=seconds,
            cost=None if t.unpriced else t.cost / DOLLAR,
            most_cost=None if t.most is None else t.most / DOLLAR,
            advice=self.advice(),
            remarks=dict(self.progress.remarks),
        )

    async def _finish(self) -> Result:
        """Look up, ask, write: as much of it as is needed."""
        self.shared = await self._shared()
        steered = controlled(self.session.job.folder, Steering(self), self.say)
        async with open_night(self), steered, crew_of(self) as self.crew:
            self.shared.connect = self.crew.connect
            if self.wish.cancel:
                await end_batches(self)
                return Result((), 0, 0, 0, 0)
            if self.wish.pilot:
                await self._ask()
                await self.journal.settle()
                t = self.progress
                return Result((), t.ok, t.failed, t.skipped, t.pending)
            if not self.journal.is_empty():
                if self.wish.retry_failed:
                    await let_stand_back(self.session, self.journal, self.rounds, self.say)
                self.progress.restart("looking up")
                result = await self._publish_if_complete()
                if result is not None:
                    return await judged(self, result, self._send_by_night)
            job, schema = self.session.job, self.session.columns.schema
            Table(job.targets, schema, own=job.folder).abandon()  # can it be written?
            with filing_of(self.session):
                pass  # the same for the files of the rows
            await self._by_night(self._ask)
            await self._ask_in_rounds()
            return await judged(self, await self._write(), self._send_by_night)

    async def _write(self) -> Result:
        await self.journal.settle()
        recalled = self.progress.recalled
        self.progress.restart("writing")
        result = await self._published("export", recall.exporting(self.journal, self.progress, given_up=True))
        self.progress.recalled = recalled
        if result is None:
            what = "the records have changed while the job ran: rows are pending, and nothing is published"
            raise RunStopped(what, where=str(self.session.job.records.path))
        return result

    async def _published(self, how: str, look_up: LookUp) -> Result | None:
        t, replay = self.progress, await self.crew.replay(how)
        return await publish(self.session, look_up, self.journal, t, only_complete=True, replay=replay)

    async def _publish_if_complete(self) -> Result | None:
        """Write the table from the journal alone; None, and nothing written, where requests are missing."""
        t = self.progress
        await self.rounds.follow(recall.recalling(self.journal, Progress()))
        result = await self._published("recall", recall.recalling(self.journal, t))
        t.rows_expected = t.rows
        if result is None:
            t.told.clear()
            t.rows_before = t.rows - t.pending
            self.looked_up = True
            done = f"{t.ok + t.skipped:,} of {t.rows:,} rows are done"
            cost = accounts.usual(self.journal, t.missing)
            about = f", about {dollars(cost / DOLLAR)} for these, judging by earlier answers" if cost else ""
            self.say(f"{done}; to be sent: at least {counted(t.missing.total(), 'request')}{about}")
        return result

    @cached_property
    def rounds(self) -> Rounds:
        """The rounds in which answers that are nearly equal to others are written again."""
        return Rounds.of(self.session)

    async def _ask_in_rounds(self) -> None:
        """Have answers written again that are nearly equal to others, until none of those that stand is."""
        look_up = recall.exporting(self.journal, Progress(), given_up=True)
        t, recalled, sent = self.progress, self.progress.recalled, -1
        await self.journal.settle()
        while (found := await self.rounds.next(look_up)).keys or (found.pending and t.sent > sent):
            if found.keys:
                self.say(found.said)
            sent, self.looked_up, self.accepted, self.awaited = t.sent, False, 0, 0
            self.watching = len(found.keys) > self.session.job.max_failed * self.session.source.total()
            await self._by_night(partial(self._ask, found.keys))
            await self.journal.settle()
        t.recalled = recalled

    async def _by_night(self, walk: Callable[[], Awaitable[None]]) -> None:
        """Walk, and walk again as long as something of it went into batches."""
        await walk()
        t, before = self.progress, self.progress.recalled
        while await goes_on(self):
            self.looked_up, self.accepted, self.awaited, self.in_vain = False, 0, 0, 0
            await walk()
            # what batches have brought meanwhile was sent, and not there before
            t.recalled = max(before, t.recalled - t.sent)

    async def _ask(self, only: Collection[str] = ()) -> None:
        """Send what is missing: every record through its steps, with the guarded providers as calls.

        With `only`, no other records.
        """
        self.progress.restart("asking", go_on=self.looked_up)
        self.progress.recalled = 0
        rows = self.progress.rows_expected = await anyio.to_thread.run_sync(self._expected_rows, only)
        source = self.session.source
        self.warn()

        def chosen() -> Iterator[list[Record]]:
            return ([one for one in batch if not only or one.key in only] for batch in source.batches())

        await self._send(self.session.stages, chosen, len(only) or source.total(), rows, self._count)
        self.check_outage()

    async def _send(
        self,
        stages: Sequence[Stage],
        batches: Callable[[], Iterator[list[Record]]],
        records: int,
        most: int,
        count: Callable[[Walk, Branch, Hands], None],
    ) -> None:
        """Walk so many records, at most `most` branches at once, with the guarded providers as calls."""
        assert self.shared is not None  # noqa: S101 - made before anything else
        self.shared.lanes.clear()  # those of an earlier walk are closed
        self.lanes = lanes = Lanes(self.session.job, self.shared)
        stack = AsyncExitStack()
        try:
            calls = await lanes.launch((name for stage in stages for name in stage.spec.asked), stack)
            if self.night is not None:
                self.night.under_way.lane_named = lanes.first
            if self.wish.pilot:
                calls = {name: self.wish.pilot.noted(call) for name, call in calls.items()}
            walk = Walk(stages, calls)
            self.progress.steps_expected = records * walk.steps_from(0)
            pool = self.crew.hands(walk, calls, partial(self._hands, most), partial(self._step, walk))
            pool.on_leaf, pool.enough = lambda leaf: count(walk, leaf, pool), self._enough
            templates = [t for stage in stages for t in stage.runner.templates.values()]
            self.bottleneck = Bottleneck(
                lanes.lanes,
                self.progress,
                starving=lambda: pool.starving,
                rendering=lambda: sum(template.seconds for template in templates),
                say=self.say,
            )
            ending = ending_by(self.wish.until, self.shared.clock, self.fuse)
            async with watching(self.bottleneck), ending:
                with at_once():
                    await pool.run(batches())
        finally:
            with anyio.CancelScope(shield=True):
                await stack.aclose()

    async def _send_by_night(self, *walk: Any) -> None:
        await self._by_night(partial(self._send, *walk))

    def _enough(self) -> bool:
        """Whether as many rows are ok as the job wants, or may be when their batches are back."""
        wanted = self.session.job.accept
        return wanted is not None and self.accepted + self.awaited >= wanted

    def _hands(self, most: int) -> int:
        """How many records are walked at once. One that waits for its next try needs a hand but no slot."""
        assert self.lanes is not None  # noqa: S101 - it is launched first
        return min(self.lanes.hands(self.progress.waiting), most)

    async def _shared(self) -> Shared:
        count_anew(self.session.job, self.journal)
        await self.journal.settle()
        but = rehearsed(self.session.job)
        budget = Budget(self.session.job.budget, Spent(*accounts.spent(self.journal, but)))
        budget.good_before, budget.maybe_before, budget.maybe_cost_before = accounts.waste(self.journal, but)
        parts = (self.journal, self.fuse, self.events, self.progress, budget, Clock(anyio.current_time()))
        shared = Shared(*parts, self.say, deadline=self.wish.until, lane_of=lanes_of(self.session.job))
        if shared.deadline is not None:
            seconds = accounts.percentiles(self.journal, (0.95,)).values()
            shared.usual_seconds = max((usual for (usual,) in seconds), default=FIRST_ANSWER)
        budget.wake = shared.pump
        return shared

    def _step(self, walk: Walk, branch: Branch) -> None:
        t = self.progress
        if branch.status != "pending":
            t.steps += 1 if branch.fault is None else walk.steps_from(branch.at, branch.forked)
        t.steps_new += not branch.known

    def _count(self, walk: Walk, leaf: Branch, pool: Hands) -> None:
        if leaf.fault is not None and leaf.fault.fate is Fate.STOP:
            self.fuse.blow(leaf.fault)
            return
        self.accepted += len(walk.rows_of(leaf)) if leaf.status == "ok" else 0
        self.awaited += len(walk.rows_of(leaf)) if leaf.status == "pending" else 0
        if not (self.looked_up and was_known(leaf)):  # else it was counted when the run looked it up
            for row in walk.rows_of(leaf):
                self.progress.count(row.status)
        if not pool.all_begun:  # else stopping would save nothing
            self.watch_failures(leaf)
        self.in_vain += leaf.fault is not None and leaf.fault.fate is Fate.RETRY
        if leaf.status == "failed" and leaf.fault:
            self.progress.fail(leaf.fault, self.session.stages[leaf.at].spec.name, leaf.record.key)
            self.events.warning("row.failed", key=leaf.record.key, kind=leaf.fault.kind)

    def _expected_rows(self, only: Collection[str]) -> int:
        branches = math.prod(step.branches for step in self.session.job.steps)
        return (len(only) or self.session.source.total()) * branches
