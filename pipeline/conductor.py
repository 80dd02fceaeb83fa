"""The conductor: records -> walk -> table. Running and exporting are the same walk over a job.

This module prints nothing; whoever calls it may look at the `Tally` while it runs.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator
from contextlib import AsyncExitStack, contextmanager
from dataclasses import dataclass, field, replace
from hashlib import sha256
from typing import TYPE_CHECKING

import anyio

from pipeline import kinds
from pipeline.domain import Call, Fate
from pipeline.engines import pool, replay
from pipeline.errors import InputError, one_error
from pipeline.guards.fused import Fuse
from pipeline.interrupts import listen
from pipeline.job import Job
from pipeline.journal import Journal
from pipeline.lane import guarded
from pipeline.lock import locked
from pipeline.log import Events, events_to
from pipeline.publishing import publish
from pipeline.results import Result
from pipeline.session import Session
from pipeline.tally import Tally
from pipeline.walk import Branch, Walk

if TYPE_CHECKING:
    import polars as pl

MOST_HANDS = 4096
HANDS_PER_SLOT = 2
"""who backs off holds a hand but no slot, so there are more hands than slots"""


def _silent(_: str) -> None:
    """Nobody listens."""


@dataclass
class Run:
    """One run of a job, with what may be watched while it goes on."""

    session: Session
    journal: Journal
    events: Events
    tally: Tally = field(default_factory=Tally)
    say: Callable[[str], None] = _silent
    retry_failed: bool = False
    fuse: Fuse = field(default_factory=Fuse)

    async def conduct(self) -> Result:
        """Finish the table: look up, ask for what is missing, write. Raises what stopped it."""
        began = time.monotonic()
        result: Result | None = None
        async with anyio.create_task_group() as group:
            group.start_soon(listen, self._interrupted)
            with self.fuse.scope:
                result = await self._finish()
            group.cancel_scope.cancel()
        if result is None:
            self.fuse.check()
        assert result is not None  # noqa: S101 - the scope is cancelled by the fuse alone, which has raised
        return _with_totals(result, self.tally, time.monotonic() - began)

    def _interrupted(self, signal_name: str) -> None:
        self.events.warning("run.interrupted", signal=signal_name)
        self.say(
            f"{signal_name}: nothing new starts; what is under way is seen to its end (again: leave at once)"
        )
        self.tally.phase = "stopping"
        self.fuse.interrupt(signal_name)

    async def _finish(self) -> Result:
        if not self.journal.is_empty():
            if self.retry_failed:
                await self._let_stand_back()
            self.tally.restart("looking up")
            result = await self._publish_if_complete()
            if result is not None:
                return result
        await self._ask()
        self.tally.restart("writing")
        walk = self._walk(replay.exporting(self.journal))
        result = await publish(self.session, walk, self.tally)
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
        walk = self._walk(replay.recalling(self.journal, self.tally))
        result = await publish(self.session, walk, self.tally, only_complete=True)
        if result is None:
            done, rows = self.tally.rows - self.tally.pending, self.tally.rows
            self.tally.rows_before = done
            self.say(
                f"{done:,} of {rows:,} rows are done; at least {self.tally.missing:,} requests are to be sent"
            )
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
            await pool.run(walk, self.session.source.batches(), hands, self._on_leaf)
        finally:
            with anyio.CancelScope(shield=True):
                await stack.aclose()

    async def _connect(self, stack: AsyncExitStack) -> dict[str, Call]:
        """A guarded call for every model that a step names; the stack closes them."""
        calls: dict[str, Call] = {}
        for stage in self.session.stages:
            name = stage.spec.model
            if name not in calls:
                model = self.session.job.models[name]
                connect = kinds.load("providers", model.provider).connect
                send: Call = await stack.enter_async_context(connect(model))
                calls[name] = guarded(send, model.limits, self.journal, self.fuse, self.events, self.tally)
        return calls

    def _on_leaf(self, leaf: Branch) -> None:
        if leaf.fault is not None and leaf.fault.fate is Fate.STOP:
            self.fuse.blow(leaf.fault)
            return
        self.tally.count(leaf.status)
        if leaf.status == "failed" and leaf.fault:
            self.tally.last_error = str(leaf.fault)
            self.events.warning("row.failed", key=leaf.record.key, kind=leaf.fault.kind)

    def _expected_rows(self) -> int:
        return self.session.source.total() * fan_out(self.session)


def fan_out(session: Session) -> int:
    """Rows of the result for each record."""
    return math.prod(len(values) for stage in session.stages for values in stage.spec.each.values())


def _with_totals(result: Result, tally: Tally, seconds: float) -> Result:
    return replace(
        result,
        sent=tally.sent,
        recalled=tally.recalled,
        input_tokens=tally.input_tokens,
        output_tokens=tally.output_tokens,
        seconds=seconds,
    )


def job_digest(job: Job) -> bytes:
    """What the job asks for, as a digest: a change of limits or of the output is none."""
    steps = [step.model_dump_json() for step in job.steps]
    models = [(name, m.model, m.api, sorted(m.params.items(), key=str)) for name, m in job.models.items()]
    asked = repr((job.records.model_dump_json(), steps, models))
    return sha256(asked.encode("utf-8", "surrogatepass")).digest()


async def run_async(
    job: Job,
    records: pl.DataFrame | pl.LazyFrame | None = None,
    *,
    tally: Tally | None = None,
    say: Callable[[str], None] = _silent,
    retry_failed: bool = False,
) -> Result:
    """Run a job to its end and write its table; what the journal knows is not asked again.

    An answer that was paid for and rejected (cut off, refused, not fitting) is judged again but asked for
    again only with `retry_failed`, because it costs money; requests that failed unpaid are always tried.
    `records` takes the place of the file that the job names. Raises `JobError` and `InputError` before
    anything is sent, `Locked`, `DiskError`, and `RunStopped` (or `OutOfQuota`, `Interrupted`) when the run
    can go on later. Rows that failed are in the result, which says so.
    """
    session = Session.open(job, records)
    with locked(job.folder), events_to(job.folder / "events.jsonl") as events:
        journal = Journal.open(job.folder / "journal.sqlite")
        try:
            run = Run(session, journal, events, tally or Tally(), say, retry_failed)
            with one_error(), _noted(run, job_digest(job)):
                return await run.conduct()
        finally:
            journal.close()


@contextmanager
def _noted(run: Run, digest: bytes) -> Iterator[None]:
    """Say in journal and events how the run began and ended."""
    last = run.journal.last_run()
    if last is not None and last.job != digest:
        run.say("the job has changed since its last run; only what depends on the change is asked again")
    run.journal.begin_run(digest)
    run.events.info("run.started", job=run.session.job.name)
    outcome = "failed"
    try:
        yield
        outcome = "finished"
    except BaseException as error:
        outcome = type(error).__name__
        raise
    finally:
        run.journal.end_run(outcome)
        run.events.info(
            "run.ended", outcome=outcome, ok=run.tally.ok, failed=run.tally.failed, sent=run.tally.sent
        )


async def export_async(job: Job, records: pl.DataFrame | pl.LazyFrame | None = None) -> Result:
    """Write the table from the journal alone; an unanswered request leaves its cell empty."""
    session = Session.open(job, records)
    with locked(job.folder):
        journal = Journal.read_only(job.folder / "journal.sqlite")
        try:
            walk = Walk(session.stages, dict.fromkeys(job.models, replay.exporting(journal)))
            tally = Tally()
            result = await publish(session, walk, tally)
        finally:
            journal.close()
    if result is None:
        raise InputError("nothing could be written")
    return result
