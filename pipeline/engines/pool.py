"""A fixed pool of hands in one process: a free hand pulls the next branch, so backpressure reaches the
reader. No task per record.

This module does not know what a step does, and keeps nothing of a leaf but its count.
"""

from __future__ import annotations

import gc
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial

import anyio
from anyio import to_thread

from pipeline.domain import Record
from pipeline.walk import Branch, Walk

BATCH = 512


class _Feed:
    """The branches that wait for a hand. Forks go to the front, so that a record begun is finished first."""

    def __init__(self) -> None:
        self._ready: deque[Branch] = deque()
        self._waiting: deque[anyio.Event] = deque()
        self._hungry = anyio.Event()
        self._busy = 0
        self._read = False

    async def wait_until_hungry(self) -> None:
        """Return when less than half a batch waits."""
        while len(self._ready) > BATCH // 2:
            self._hungry = anyio.Event()
            await self._hungry.wait()

    def put(self, branches: list[Branch], *, first: bool = False) -> None:
        """Let branches wait, and wake as many hands."""
        if first:
            self._ready.extendleft(reversed(branches))
        else:
            self._ready.extend(branches)
        for _ in branches:
            self._wake()

    def _wake(self) -> None:
        if self._waiting:
            self._waiting.popleft().set()

    def end(self) -> None:
        """Say that the last record has been read."""
        self._read = True
        self._wake()

    async def take(self) -> Branch | None:
        """The next branch; None when all is done. A hand that took one is busy until `done`."""
        while not self._ready:
            if self._read and not self._busy:
                self._wake()
                return None
            event = anyio.Event()
            self._waiting.append(event)
            await event.wait()
        self._busy += 1
        if len(self._ready) <= BATCH // 2:
            self._hungry.set()
        return self._ready.popleft()

    def done(self) -> None:
        """A hand has brought its branch to its end."""
        self._busy -= 1
        if self._read and not self._busy and not self._ready:
            self._wake()


async def run(
    walk: Walk, batches: Iterator[list[Record]], hands: int, on_leaf: Callable[[Branch], None]
) -> None:
    """Walk every record to its leaves with `hands` at work at once; `on_leaf` hears of each leaf."""
    feed = _Feed()
    with _settled_heap():
        async with anyio.create_task_group() as group:
            group.start_soon(_read, walk, batches, feed)
            for _ in range(hands):
                group.start_soon(_work, walk, feed, on_leaf)


@contextmanager
def _settled_heap() -> Iterator[None]:
    """Keep the garbage collector from what is there before the first request.

    Looking through all that was imported, again and again, is a sixth of the CPU of a run.
    """
    gc.freeze()
    try:
        yield
    finally:
        gc.unfreeze()


async def _read(walk: Walk, batches: Iterator[list[Record]], feed: _Feed) -> None:
    """Read in a thread, a batch at a time, whenever the hands are about to run dry."""
    pull = partial(next, batches, None)
    while (batch := await to_thread.run_sync(pull)) is not None:
        feed.put([walk.start(record) for record in batch])
        await feed.wait_until_hungry()
    feed.end()


async def _work(walk: Walk, feed: _Feed, on_leaf: Callable[[Branch], None]) -> None:
    while (branch := await feed.take()) is not None:
        while not walk.is_leaf(branch):
            branch, *others = walk.fork(branch)
            feed.put(others, first=True)
            branch = await walk.advance(branch)
        on_leaf(branch)
        feed.done()
