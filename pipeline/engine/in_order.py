"""The walk that asks the journal alone: the rows of the result, in the order of the input.

A batch of records is walked at once. Each walk goes as far as its next request; all these requests are looked
up together, and then the walks go on. Nothing is sent. This module does not write files.
"""

from __future__ import annotations

import math
from collections.abc import AsyncIterator, Callable, Generator, Iterable, Iterator, Sequence
from functools import partial

import anyio.lowlevel

from pipeline.core.domain import Fault, LookUp, Record, Reply, Request
from pipeline.engine.stages import Stage
from pipeline.engine.walk import Branch, Walk

BATCH = 256  # records that are looked up at once; more of them would not fit into a processor's cache
BATCH_ROWS = 8192
"""and no more than come to so many rows, where a record has many: all of them are in memory at once"""


def records_at_once(stages: Sequence[Stage]) -> int:
    """How many records are to be looked up at once."""
    return max(1, min(BATCH, BATCH_ROWS // math.prod(stage.spec.branches for stage in stages)))


class InOrder:
    """The walks of records through the stages, with what `look_up` knows."""

    def __init__(self, stages: Sequence[Stage], look_up: LookUp) -> None:
        self._walk = Walk(stages, {name: _Asked for stage in stages for name in stage.spec.asked})
        self._look_up = look_up
        self.rows_of = self._walk.rows_of
        self.rows_under = self._walk.rows_under

    async def rows(self, batches: Iterator[list[Record]]) -> AsyncIterator[list[Branch]]:
        """The leaves that become the result's rows, in order, for one batch of records at a time."""
        for batch in batches:
            await anyio.lowlevel.checkpoint()  # a signal can take effect between batches
            yield [row for leaves in self.leaves(batch) for leaf in leaves for row in self.rows_of(leaf)]

    def leaves(self, records: Sequence[Record]) -> list[list[Branch]]:
        """All leaves of each record."""
        found: list[list[Branch]] = [[] for _ in records]
        self.visit(records, lambda place, leaf: found[place].append(leaf))
        return found

    def visit(self, records: Sequence[Record], take: Callable[[int, Branch], object]) -> None:
        """Give each leaf to `take`, with the place of its record; those of one record in their order."""
        walks = [self._walk.visit(record, partial(take, place)) for place, record in enumerate(records)]
        going_on: Iterable[tuple[int, Reply | Fault | None]] = (
            (place, None) for place in range(len(records))
        )
        try:
            while going_on:
                asking: list[int] = []
                requests: list[Request] = []
                for place, outcome in going_on:
                    walk = walks[place]
                    try:
                        more = walk.throw(outcome) if isinstance(outcome, Fault) else walk.send(outcome)
                    except StopIteration:
                        continue
                    else:
                        asking.append(place)
                        requests.append(more)
                going_on = zip(asking, self._look_up(requests), strict=True) if asking else ()
        finally:
            for walk in walks:
                walk.close()


class _Asked:
    """An awaitable that gives its request to `InOrder.leaves`, which looks the reply up."""

    __slots__ = ("_request",)

    def __init__(self, request: Request) -> None:
        self._request = request

    def __await__(self) -> Generator[Request, Reply, Reply]:
        return (yield self._request)
