"""Who walks the records of a run: this process alone, or workers.

This module does not know what a worker is told.
"""

from __future__ import annotations

import pickle
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from functools import partial

import anyio
from anyio import to_thread

from pipeline.core.contracts import Provider
from pipeline.core.domain import Call, Record
from pipeline.core.errors import JobError
from pipeline.engine.equal_prompts import Replay
from pipeline.engine.in_order import InOrder
from pipeline.engine.pool import Pool
from pipeline.engine.walk import Branch, Walk
from pipeline.job.models import Model
from pipeline.runs.session import Session
from pipeline.runs.state import RunState
from pipeline.runs.workers.asking import Asking
from pipeline.runs.workers.cluster import processes as on_cluster
from pipeline.runs.workers.local import processes
from pipeline.runs.workers.owner import Workers
from pipeline.runs.workers.parts import Setup
from pipeline.runs.workers.replaying import Replaying
from pipeline.system.resources import cores

AUTO = 0
"""as a number of processes: as many as there are cores, when one of them is not enough"""
MOST_BY_ITSELF = 8
"""processes that one owner can feed, with room to spare"""
MANY_ROWS = 5_000
"""rows in the journal that are worth the start of workers"""
BUSY, EVERY, TIMES = 0.8, 1.0, 3
"""more than this share of a core, so many seconds long, so often in a row: one process is not enough"""


class Hands:
    """What walks the records of one walk: a pool here, workers, or the one after the other."""

    def __init__(self, crew: Crew, pool: Pool, asking: Asking | None) -> None:
        self.enough, self.on_leaf = pool.enough, pool.on_leaf
        self._crew, self._pool, self._asking = crew, pool, asking
        self._now: Pool | Asking = pool
        self._left = False

    @property
    def all_begun(self) -> bool:
        """Whether there is no record left to begin."""
        return self._now.all_begun

    @property
    def starving(self) -> bool:
        """Whether hands wait for the source."""
        return self._now.starving

    async def run(self, batches: Iterator[list[Record]]) -> None:
        """Walk every record to its leaves."""
        for one in (self._pool, self._asking):
            if one is not None:
                one.enough, one.on_leaf = self.enough, self.on_leaf
        self._left = self._asking is not None and await self._crew.there()
        if not self._left:
            self._pool.leaving = self._leaving
            await self._pool.run(batches)
        if self._left and self._asking is not None:
            self._now = self._asking
            await self._asking.run(batches)

    def _leaving(self) -> bool:
        self._left = self._left or (self._asking is not None and self._crew.is_there())
        return self._left


class Crew:
    """The processes of a run."""

    def __init__(self, run: RunState, workers: Workers | None) -> None:
        self._run, self._workers = run, workers
        self._engine = run.session.job.engine
        self._needed = anyio.Event()
        self.started = False

    def connect(self, provider: Provider, model: Model) -> AbstractAsyncContextManager[Call]:
        """A call to a model."""
        return self._workers.connect(provider, model) if self._workers else provider.connect(model)

    def is_there(self) -> bool:
        """Whether there are workers."""
        return self._workers is not None and bool(self._workers.ready)

    async def there(self) -> bool:
        """Whether workers have been started; they are there then."""
        if self._workers is None or not self.started:
            return False
        self._needed.set()
        await self._workers.some()
        return True

    def hands(
        self,
        walk: Walk,
        calls: Mapping[str, Call],
        wanted: Callable[[], int],
        on_step: Callable[[Branch], object],
    ) -> Hands:
        """What walks the records of one walk."""
        pool, run = Pool(walk, wanted, lambda leaf: None, on_step), self._run
        if self._workers is None or tuple(walk.stages) != run.session.stages:
            return Hands(self, pool, None)
        local = self._local and not run.journal.is_empty()
        told = (run.session.notes, local, run.session.job.accept is not None)
        return Hands(self, pool, Asking(self._workers, walk, calls, wanted, run.progress, *told))

    @property
    def _local(self) -> bool:
        """Whether workers may look into the journal. A pilot notes each request; a cluster cannot read it."""
        return not self._run.wish.pilot and not self._engine

    async def replay(self, how: str) -> Replay | None:
        """What walks records with the journal alone, in order; None where that is done here."""
        session = self._run.session
        if session.hand.all or self._workers is None or self._engine or not await self.there():
            return None  # what people wrote is noted as it is used; a cluster cannot read the journal
        rows_of = InOrder(session.stages, lambda requests: ()).rows_of
        return Replaying(self._workers, rows_of, how, self._run.progress, session.notes).rows

    async def hold(self, count: int, *, wait: bool) -> None:
        """Have so many workers; with `wait`, from when this process is busy."""
        assert self._workers is not None  # noqa: S101 - else there is nothing to hold
        if wait:
            await _busy()
        self.started, joined = True, self._workers.joined
        if self._engine:
            await self._needed.wait()  # a job that is done needs no cluster
        journal, job = self._run.journal.path, self._run.session.job
        here = partial(processes, count, joined, job)
        async with on_cluster(job, journal, joined) if self._engine else here():
            await anyio.sleep_forever()


@asynccontextmanager
async def crew_of(run: RunState) -> AsyncIterator[Crew]:
    """The processes of a run: as many as are wished for, or as many as are worth it."""
    session, journal, wanted = run.session, run.journal, run.wish.processes
    count = wanted or min(cores(), MOST_BY_ITSELF)
    if engine := session.job.engine:
        count = _of_cluster(run)
    setup = Setup(session.job, session.notes, None if engine else journal.path)
    why = _unfit(setup, session) if count > 1 else ""
    if why and wanted:
        run.say(f"this run uses one process: {why}")
    if why or count == 1:
        yield Crew(run, None)
        return
    workers = Workers(setup, journal)
    crew, wait = Crew(run, workers), False
    if wanted == AUTO and not engine:
        wait = journal.is_empty() or await to_thread.run_sync(session.source.total) < MANY_ROWS
    async with workers.open(), anyio.create_task_group() as group:
        until = anyio.CancelScope(shield=True)  # what is under way is still answered while the run stops
        crew.started = not wait
        group.start_soon(_within, until, partial(crew.hold, count, wait=wait))
        try:
            yield crew
        finally:
            until.cancel()


def _of_cluster(run: RunState) -> int:
    """2: a cluster counts as several processes, however many; `JobError` for `--processes` beside it."""
    if run.wish.processes != 1:
        hint = "leave one of the two out"
        where = run.session.job.text.where(("engine",), key=True)
        raise JobError("--processes are on this machine, and the job has an engine", where=where, hint=hint)
    return 2


async def _within(scope: anyio.CancelScope, work: Callable[[], Awaitable[None]]) -> None:
    with scope:
        await work()


def _unfit(setup: Setup, session: Session) -> str:
    """Why a job cannot be walked by workers; '' where it can."""
    if session.tree is not None:
        return "the documents of a job are translated in one"
    try:
        pickle.dumps(setup)
    except Exception as error:  # what a plugin or a setting holds may be anything
        return f"the job cannot be given to another ({type(error).__name__}: {error})"
    return ""


async def _busy() -> None:
    """Return when the event loop has kept a core busy for some time."""
    times = 0
    while times < TIMES:
        used, at = time.thread_time(), time.monotonic()
        await anyio.sleep(EVERY)
        busy = (time.thread_time() - used) / (time.monotonic() - at)
        times = times + 1 if busy > BUSY else 0
