"""One run of a job: look up what is known, ask for what is missing, write the table.

This module prints nothing; whoever calls it may look at the `Tally` while it runs.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass, field, replace

import anyio

from pipeline import kinds
from pipeline.domain import Call, Fate, Fault
from pipeline.engines import pool, replay
from pipeline.guards.fused import Fuse
from pipeline.interrupts import heard
from pipeline.journal import Journal
from pipeline.lane import Shared, guarded
from pipeline.log import Events
from pipeline.publishing import publish
from pipeline.results import Result
from pipeline.session import Session
from pipeline.table import Table
from pipeline.tally import Tally, counted
from pipeline.walk import Branch, Walk

MOST_HANDS = 4096
HANDS_PER_SLOT = 2
"""who backs off holds a hand but no slot, so there are more hands than slots"""


@dataclass
class Run:
    """One run of a job, with what may be watched while it goes on."""

    session: Session
    journal: Journal
    events: Events
    tally: Tally
    say: Callable[[str], None]
    retry_failed: bool = False
    fuse: Fuse = field(default_factory=Fuse)
    in_vain: int = 0
    """records whose request used up its retries"""

    async def conduct(self) -> Result:
        """Finish the table. Raises what stopped it."""
        began = time.monotonic()
        result: Result | None = None
        with heard(self._interrupted), self.fuse.scope:
            result = await self._finish()
        if result is None:
            self.fuse.check()
        assert result is not None  # noqa: S101 - the scope is cancelled by the fuse alone, which has raised
        return self._with_totals(result, time.monotonic() - began)

    def _with_totals(self, result: Result, seconds: float) -> Result:
        t = self.tally
        return replace(
            result,
            sent=t.sent,
            recalled=t.recalled,
            input_tokens=t.input_tokens,
            output_tokens=t.output_tokens,
            seconds=seconds,
        )

    def _interrupted(self, name: str) -> None:
        self.events.warning("run.interrupted", signal=name)
        what = "nothing new starts; what is under way is seen to its end (again: leave at once)"
        self.say(f"{name}: {what}")
        self.tally.phase = "stopping"
        self.fuse.interrupt(name)

    async def _finish(self) -> Result:
        if not self.journal.is_empty():
            if self.retry_failed:
                await self._let_stand_back()
            self.tally.restart("looking up")
            result = await self._publish_if_complete()
            if result is not None:
                return result
        Table(self.session.job.targets, self.session.rows.schema).abandon()  # can it be written at all?
        await self._ask()
        await self.journal.settle()
        recalled = self.tally.recalled
        self.tally.restart("writing")
        walk = self._walk(replay.exporting(self.journal, self.tally, given_up=True))
        result = await publish(self.session, walk, self.tally)
        self.tally.recalled = recalled
        assert result is not None  # noqa: S101 - only a walk that must be complete gives none
        return result

    async def _let_stand_back(self) -> None:
        """Let the paid answers behind failed rows stand back, so that they are asked for again."""
        walk = self._walk(replay.recalling(self.journal, Tally()))
        superseded: set[bytes] = set()
        async for leaf in replay.rows(walk, self.session.source.batches()):
            for request in leaf.fault.requests if leaf.fault else ():
                if request.digest not in superseded:
                    superseded.add(request.digest)
                    await self.journal.supersede(request)
        if superseded:
            self.say(f"{len(superseded):,} paid answers of failed rows stand back and are asked for again")

    async def _publish_if_complete(self) -> Result | None:
        """Write the table from the journal alone; None, and nothing written, where requests are missing."""
        t = self.tally
        walk = self._walk(replay.recalling(self.journal, t))
        result = await publish(self.session, walk, t, only_complete=True)
        if result is None:
            t.rows_before = t.rows - t.pending
            done = f"{t.ok + t.skipped:,} of {t.rows:,} rows are done"
            self.say(f"{done}; to be sent: at least {counted(t.missing, 'request')}")
        return result

    def _walk(self, call: Call) -> Walk:
        return Walk(self.session.stages, dict.fromkeys(self.session.job.models, call))

    async def _ask(self) -> None:
        """Send what is missing: every record through its steps, with the guarded providers behind."""
        self.tally.restart("asking")
        self.tally.recalled = 0
        self.tally.rows_expected = await anyio.to_thread.run_sync(self._expected_rows)
        stack = AsyncExitStack()
        try:
            walk = Walk(self.session.stages, await self._connect(stack))
            models = {stage.spec.model: stage.model for stage in self.session.stages}.values()
            hands = sum(HANDS_PER_SLOT * (model.limits.concurrency or 1) for model in models)
            hands = max(1, min(hands, MOST_HANDS, self.tally.rows_expected))
            await pool.run(walk, self.session.source.batches(), hands, lambda leaf: self._count(walk, leaf))
            self._check_outage()
        finally:
            with anyio.CancelScope(shield=True):
                await stack.aclose()

    async def _connect(self, stack: AsyncExitStack) -> dict[str, Call]:
        """A guarded call for every model that a step names; the stack closes them.

        Models that differ in their params alone share one: one server, one set of slots and limits.
        """
        shared = Shared(self.journal, self.fuse, self.events, self.tally)
        lanes: dict[str, Call] = {}
        calls: dict[str, Call] = {}
        for name in dict.fromkeys(stage.spec.model for stage in self.session.stages):
            model = self.session.job.models[name]
            lane = model.model_dump_json(exclude={"params"})
            if lane not in lanes:
                connect = kinds.load("providers", model.provider).connect
                send: Call = await stack.enter_async_context(connect(model))
                lanes[lane] = guarded(send, model.limits, shared)
            calls[name] = lanes[lane]
        return calls

    def _check_outage(self) -> None:
        """A run in which nothing at all was answered, though it could have been, has met an outage."""
        if self.in_vain and not self.tally.answered:
            message = f"nothing was answered; the last fault: {self.tally.last_error}"
            self.fuse.blow(Fault("outage", message, fate=Fate.STOP))
            self.fuse.check()

    def _count(self, walk: Walk, leaf: Branch) -> None:
        if leaf.fault is not None and leaf.fault.fate is Fate.STOP:
            self.fuse.blow(leaf.fault)
            return
        for row in walk.rows_of(leaf):
            self.tally.count(row.status)
        self.in_vain += leaf.fault is not None and leaf.fault.fate is Fate.RETRY
        if leaf.status == "failed" and leaf.fault:
            self.tally.last_error = str(leaf.fault)
            self.events.warning("row.failed", key=leaf.record.key, kind=leaf.fault.kind)

    def _expected_rows(self) -> int:
        fan_outs = (len(values) for stage in self.session.stages for values in stage.spec.each.values())
        return self.session.source.total() * math.prod(fan_outs)
