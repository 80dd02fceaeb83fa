"""The walk that asks, by workers: who walks which record, and what is counted of it.

It takes the place of a pool. A record is given to a worker when a hand is free for it, in the order of the
input, so as many are begun as in one process. This module does not know how a request is sent.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import anyio
from anyio import to_thread
from anyio.abc import TaskGroup

from pipeline.answers.written import Told
from pipeline.core.domain import Call, Record
from pipeline.core.progress import Progress
from pipeline.engine.heap import settled_heap
from pipeline.engine.pool import LOOK_AGAIN
from pipeline.engine.walk import Branch, Walk
from pipeline.runs.workers.owner import Worker, Workers
from pipeline.runs.workers.parts import Leaf


@dataclass(eq=False)
class _Given:
    """A record on its way, and what is known of it."""

    number: int
    record: Record
    left: int
    """rows of which no leaf is known yet"""
    seen: set[str] = field(default_factory=set)
    steps: int = 0
    steps_new: int = 0


class Asking:
    """The records of one walk, at the workers."""

    def __init__(
        self,
        workers: Workers,
        walk: Walk,
        calls: Mapping[str, Call],
        wanted: Callable[[], int],
        progress: Progress,
        told: Told,
        local: bool,
        wary: bool,
    ) -> None:
        """`told`: what steps are told of rows; `local`: workers look into the journal before they ask.

        `wary`: begin no more records than there are hands for all their rows: the job may want no more.
        """
        self.enough: Callable[[], bool] = lambda: False
        self.on_leaf: Callable[[Branch], None] = lambda leaf: None
        self._workers, self._walk, self._calls = workers, walk, calls
        self._wanted, self._progress, self._told, self._local = wanted, progress, told, local
        self._rows = math.prod(stage.spec.branches for stage in walk.stages)
        self._wary = wary
        self._ready = deque[_Given]()
        self._again = deque[_Given]()
        self._is_read = False
        self._hungry, self._done = anyio.Event(), anyio.Event()
        self._few = 0
        self._failure: Exception | None = None
        self._group: TaskGroup | None = None

    @property
    def all_begun(self) -> bool:
        """Whether there is no record left to begin."""
        return self._is_read and not self._ready

    @property
    def starving(self) -> bool:
        """Whether workers wait for the source."""
        return not self._is_read and not self._ready

    async def run(self, batches: Iterator[list[Record]]) -> None:
        """Walk every record to its leaves."""
        with settled_heap():
            try:
                async with anyio.create_task_group() as self._group:
                    self._workers.take(self)
                    self._group.start_soon(self._read, batches)
                    while not self._done.is_set():
                        with anyio.move_on_after(LOOK_AGAIN):
                            await self._done.wait()
                        self.turn()
                    self._group.cancel_scope.cancel()
            finally:
                self._workers.work = None
                for worker in self._workers.ready:
                    worker.given.clear()
                    worker.channel.send("end")
        if self._failure is not None:
            raise self._failure

    async def _read(self, batches: Iterator[list[Record]]) -> None:
        """Read in a thread, one batch at a time, whenever few records are left."""
        pull = partial(next, batches, None)
        while (batch := await to_thread.run_sync(pull)) is not None:
            self._ready.extend(_Given(next(self._workers.numbers), one, self._rows) for one in batch)
            self._few = len(batch) // 2
            self.turn()
            while len(self._ready) > self._few:
                self._hungry = anyio.Event()
                await self._hungry.wait()
        self._is_read = True
        self.turn()

    def join(self, worker: Worker) -> None:
        """One more worker: it begins the walk, and its requests get a place of their own."""
        assert self._group is not None  # noqa: S101 - nobody is told of a walk before it runs
        worker.channel.send("told", self._told)
        worker.channel.send("begin", self._local)
        worker.hands, worker.asks = 0, None
        self._group.start_soon(self._host, worker)

    async def _host(self, worker: Worker) -> None:
        """Hold its requests; when it is gone, those that wait are dropped."""
        async with anyio.create_task_group() as worker.asks:
            self.turn()
            await worker.gone.wait()
            worker.asks.cancel_scope.cancel()

    def leave(self, worker: Worker) -> None:
        """Its records are given to others; what was counted of them is not counted again."""
        for given in worker.given.values():
            self._progress.steps -= given.steps
            self._progress.steps_new -= given.steps_new
            given.steps = given.steps_new = 0
            self._again.append(given)
        worker.given.clear()
        self.turn()

    def hear(self, worker: Worker, kind: str, parts: list[Any]) -> None:
        """A request, or the end of a branch."""
        if kind == "asked":
            number, model, request = parts
            assert worker.asks is not None  # noqa: S101 - it was given a record
            worker.asks.start_soon(worker.ask, self._calls[model], number, request)
        elif kind == "leaf":
            self._take(worker, *parts)

    def _take(self, worker: Worker, leaf: Leaf) -> None:
        given: _Given | None = worker.given.get(leaf.number)
        if given is None:
            return
        progress = self._progress
        progress.recalled += leaf.recalled
        progress.steps += leaf.steps
        progress.steps_new += leaf.steps_new
        given.steps += leaf.steps
        given.steps_new += leaf.steps_new
        if leaf.place in given.seen:  # it was walked once more, because a worker has ended
            return
        given.seen.add(leaf.place)
        branch = leaf.branch(given.record)
        given.left -= self._walk.rows_under(branch)
        if not given.left:
            del worker.given[leaf.number]
        self.on_leaf(branch)

    def turn(self) -> None:
        """Give records to workers with a free hand, and see whether all is done."""
        workers = [worker for worker in self._workers.ready if worker.asks is not None]
        if workers and (self._ready or self._again):
            share = math.ceil(max(1, self._wanted()) / len(workers))
            for worker in workers:
                if worker.hands != share:
                    worker.hands = share
                    worker.channel.send("hands", share)
            self._give(workers, share)
        if len(self._ready) <= self._few:
            self._hungry.set()
        if self.all_begun and not self._again and not any(worker.given for worker in self._workers.all):
            self._done.set()

    def _give(self, workers: list[Worker], share: int) -> None:
        given: dict[Worker, list[tuple[int, Record]]] = {}
        while self._again or self._ready:
            if not self._again and self.enough():
                self._ready.clear()
                break
            worker = min(workers, key=self._load)
            if self._load(worker) >= share:
                break
            one = (self._again or self._ready).popleft()
            worker.given[one.number] = one
            given.setdefault(worker, []).append((one.number, one.record))
        for worker, records in given.items():
            worker.channel.send("walk", records)

    def _load(self, worker: Worker) -> int:
        """How many hands its records need: one each or, with care, one for each row."""
        return sum(given.left for given in worker.given.values()) if self._wary else len(worker.given)

    def fail(self, error: Exception) -> None:
        """Stop, and raise this."""
        self._failure = self._failure or error
        self._done.set()
