"""The walk with the journal alone, by workers: the rows of the result, in the order of the input.

This module writes no files.
"""

from __future__ import annotations

from collections import deque
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

import anyio
import anyio.lowlevel

from pipeline.answers.written import Told
from pipeline.core.domain import Record
from pipeline.core.progress import Progress
from pipeline.engine.equal_prompts import EqualPrompts
from pipeline.engine.walk import Branch
from pipeline.runs.workers.owner import Worker, Workers
from pipeline.runs.workers.parts import Replayed

AHEAD = 2
"""batches that each worker has at once: one that it walks, and one that waits"""


class Replaying:
    """Batches of records at the workers."""

    def __init__(
        self,
        workers: Workers,
        rows_of: Callable[[Branch], list[Branch]],
        how: str,
        progress: Progress,
        told: Told,
    ) -> None:
        """`how` the journal is looked at: `recall` or `export`, as in `recall.py`."""
        self._workers, self._rows_of, self._how = workers, rows_of, how
        self._progress, self._told = progress, told
        self._missing: set[int] = set()
        self._order = deque[int]()
        self._records: dict[int, list[Record]] = {}
        self._came: dict[int, Replayed] = {}
        self._unplaced = deque[int]()
        self._news = anyio.Event()
        self._failure: Exception | None = None

    async def rows(self, batches: Iterator[list[Record]], equal: EqualPrompts) -> AsyncIterator[list[Branch]]:
        """The leaves that become the result's rows, in order, for one batch of records at a time."""
        self._workers.take(self)
        try:
            more = True
            while more or self._order:
                while more and len(self._order) <= AHEAD * max(1, len(self._workers.ready)):
                    batch = next(batches, None)
                    more = batch is not None
                    if batch:
                        self._place(next(self._workers.numbers), batch)
                        await anyio.lowlevel.checkpoint()
                while self._order and self._order[0] not in self._came:
                    if self._failure is not None:
                        raise self._failure
                    self._news = anyio.Event()
                    await self._news.wait()
                if self._order:
                    yield self._taken(self._order.popleft(), equal)
        finally:
            self._workers.work = None
            for worker in self._workers.all:
                worker.given.clear()

    def _taken(self, number: int, equal: EqualPrompts) -> list[Branch]:
        records, came = self._records.pop(number), self._came.pop(number)
        equal.add(came.seen)
        progress = self._progress
        progress.recalled += came.recalled
        for short, step, model in came.missing:
            if short not in self._missing:
                self._missing.add(short)
                progress.missing[step, model] += 1
        return [
            row
            for record, leaves in zip(records, came.leaves, strict=True)
            for way in leaves
            for row in self._rows_of(Branch(record, *way))
        ]

    def _place(self, number: int, records: list[Record]) -> None:
        self._order.append(number)
        self._records[number] = records
        self._unplaced.append(number)
        self.turn()

    def turn(self) -> None:
        """Give batches to the workers that have the fewest."""
        while self._unplaced and (workers := self._workers.ready):
            worker = min(workers, key=lambda one: len(one.given))
            number = self._unplaced.popleft()
            worker.given[number] = number
            worker.channel.send("replay", number, self._how, self._records[number])

    def join(self, worker: Worker) -> None:
        """One more worker."""
        worker.channel.send("told", self._told)
        self.turn()

    def leave(self, worker: Worker) -> None:
        """Its batches go to others."""
        self._unplaced.extend(worker.given)
        worker.given.clear()
        self.turn()

    def hear(self, worker: Worker, kind: str, parts: list[Any]) -> None:
        """A batch has been walked."""
        if kind == "replayed" and worker.given.pop(parts[0], None) is not None:
            self._came[parts[0]] = parts[1]
            self._news.set()

    def fail(self, error: Exception) -> None:
        """Stop, and raise this."""
        self._failure = self._failure or error
        self._news.set()
