"""A pool of hands (worker tasks) in one process: a free hand pulls the next branch.

So reading slows down when the hands are busy, and there is no task for each record. This module does not know
what a step does, and keeps nothing of a leaf but its count.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial

import anyio
from anyio import to_thread
from anyio.abc import TaskGroup

from pipeline.core.domain import Record
from pipeline.engine.heap import settled_heap
from pipeline.engine.walk import Branch, Walk

BATCH = 512
LOOK_AGAIN = 0.25  # seconds from one look at how many hands are wanted to the next


class _Feed:
    """The branches that wait for a hand. Forks go to the front, so that a record begun is finished first."""

    def __init__(self) -> None:
        self._ready: deque[Branch] = deque()
        self._waiting: deque[anyio.Event] = deque()
        self._hungry = anyio.Event()
        self._busy = 0
        self._few = BATCH // 2
        self.is_read = False  # whether the last record has been read

    async def wait_until_hungry(self, batch: int) -> None:
        """Return when less than half a batch of this size waits."""
        self._few = min(batch, BATCH) // 2
        while len(self._ready) > self._few:
            self._hungry = anyio.Event()
            await self._hungry.wait()

    def put(self, branches: list[Branch], *, first: bool = False) -> None:
        """Add branches, and wake one hand for each."""
        if first:
            self._ready.extendleft(reversed(branches))
        else:
            self._ready.extend(branches)
        for _ in branches:
            self._wake()

    def _wake(self) -> None:
        if self._waiting:
            self._waiting.popleft().set()

    def pass_on(self) -> None:
        """Wake another hand for the branches that are ready, because this hand ends."""
        if self._ready:
            self._wake()

    def end(self) -> None:
        self.is_read = True
        self._wake()

    async def take(self) -> Branch | None:
        """The next branch; None when all is done. Its hand counts as busy until it calls `done`."""
        while not self._ready:
            if self.is_read and not self._busy:
                self._wake()
                return None
            event = anyio.Event()
            self._waiting.append(event)
            await event.wait()
        self._busy += 1
        branch = self._ready.popleft()
        if len(self._ready) <= self._few:
            self._hungry.set()
        return branch

    @property
    def is_waiting(self) -> bool:
        """Whether branches wait for a hand."""
        return bool(self._ready)

    @property
    def starving(self) -> bool:
        """Whether hands wait although there is more to read."""
        return bool(self._waiting) and not self._ready and not self.is_read

    def done(self) -> None:
        self._busy -= 1
        if self.is_read and not self._busy and not self._ready:
            self._wake()


@dataclass
class Pool:
    """The hands of one walk. `wanted` is called again and again, because the number can change."""

    walk: Walk
    wanted: Callable[[], int]
    on_leaf: Callable[[Branch], None]
    on_step: Callable[[Branch], object] = lambda branch: None
    enough: Callable[[], bool] = lambda: False
    """whether no further record is to be begun; once it is true it stays so"""
    leaving: Callable[[], bool] = lambda: False
    """whether the rest of the records is walked by others; once it is true it stays so"""
    hands: int = 0
    feed: _Feed = field(default_factory=_Feed)
    _all_gone: anyio.Event = field(default_factory=anyio.Event)
    _group: TaskGroup | None = None

    @property
    def all_begun(self) -> bool:
        """Whether there is no record left to begin."""
        return self.feed.is_read and not self.feed.is_waiting and not self.leaving()

    @property
    def starving(self) -> bool:
        """Whether hands wait for the source."""
        return self.feed.starving

    async def run(self, batches: Iterator[list[Record]]) -> None:
        """Walk every record to its leaves."""
        with settled_heap():
            async with anyio.create_task_group() as group:
                group.start_soon(self._read, batches)
                await self._serve(group)

    async def serve(self) -> None:
        """Walk what others put into the feed, until they end it."""
        async with anyio.create_task_group() as group:
            await self._serve(group)

    def hire(self) -> None:
        """Look at once whether more hands are wanted."""
        if self._group is not None:
            self._hire(self._group)

    async def _serve(self, group: TaskGroup) -> None:
        self._group = group
        self._hire(group)
        while self.hands:  # also while all of them wait, more may be wanted
            with anyio.move_on_after(LOOK_AGAIN):
                await self._all_gone.wait()
            if self.feed.is_waiting:
                self._hire(group)

    async def _read(self, batches: Iterator[list[Record]]) -> None:
        """Read in a thread, one batch at a time, whenever few branches are left."""
        pull = partial(next, batches, None)
        while (batch := await to_thread.run_sync(pull)) is not None:
            self.feed.put([self.walk.start(record) for record in batch])
            await self.feed.wait_until_hungry(len(batch))
            if self.leaving():
                break
        self.feed.end()

    def _hire(self, group: TaskGroup) -> None:
        for _ in range(max(1, self.wanted()) - self.hands):
            self.hands += 1
            group.start_soon(self._work, group)

    async def _work(self, group: TaskGroup) -> None:
        walk, feed = self.walk, self.feed
        while (branch := await feed.take()) is not None:
            self._hire(group)
            if branch.at == 0 and not branch.forked and self.enough():
                feed.done()
                continue
            while not walk.is_leaf(branch):
                if walk.forks(branch):
                    branch, *others = walk.fork(branch)
                    feed.put(others, first=True)
                branch = await walk.advance(branch)
                self.on_step(branch)
            self.on_leaf(branch)
            feed.done()
            if self.hands > max(1, self.wanted()):
                feed.pass_on()
                break
        self.hands -= 1
        if not self.hands:
            self._all_gone.set()
