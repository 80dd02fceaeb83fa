"""A walk in a worker: the records that the owner gives it, to their leaves.

This module does not know how the owner is asked.
"""

from __future__ import annotations

import math
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from functools import partial

import anyio

from pipeline.answers.at_once import at_once
from pipeline.core.domain import Fault, Record, Reply, Request
from pipeline.engine.pool import Pool
from pipeline.engine.stages import Stage
from pipeline.engine.walk import Branch, Walk
from pipeline.journal import recall
from pipeline.runs.workers.parts import Leaf, branch_of, forks_of, slight
from pipeline.translation import memory


@dataclass
class _Given:
    """A record of the owner's, and what is to be told of it with its next leaf."""

    number: int
    record: Record
    left: int
    """rows of which no leaf has been told yet"""
    steps: int = 0
    steps_new: int = 0


class Walking:
    """A walk of what the owner gives, record by record."""

    def __init__(
        self,
        stages: tuple[Stage, ...],
        ask: Callable[[str, Request], Awaitable[Reply]],
        find: Callable[[Request], recall.Past] | None,
        tell: Callable[[Leaf], object],
    ) -> None:
        """`find`: what the journal knows of a request, where it is looked at here before anybody is asked."""
        self._ask_owner, self._find, self._tell = ask, find, tell
        names = {name for stage in stages for name in stage.spec.asked}
        self._walk = Walk(stages, {name: partial(self._ask, name) for name in names})
        self._forks = forks_of(stages)
        self._rows = math.prod(stage.spec.branches for stage in stages)
        self._given: dict[int, _Given] = {}
        self._hands, self._recalled = 1, 0
        self._pool = Pool(self._walk, lambda: self._hands, self._leaf, self._step)
        self.scope = anyio.CancelScope()

    async def run(self) -> None:
        """Walk what comes, until the owner ends it."""
        with self.scope, at_once():
            await self._pool.serve()

    def walk(self, records: Sequence[tuple[int, Record]]) -> None:
        """Walk these, too."""
        for number, record in records:
            self._given[id(record)] = _Given(number, record, self._rows)  # it is held, so no other has its id
        self._pool.feed.put([self._walk.start(record) for _, record in records])

    def hire(self, hands: int) -> None:
        """Walk so many branches at once."""
        self._hands = hands
        self._pool.hire()

    async def _ask(self, model: str, request: Request) -> Reply:
        if self._find is not None and request.api != memory.API and not request.segments:
            past = self._find(request)
            if isinstance(past.stands, Fault):
                raise past.stands
            if past.stands is not None:
                self._recalled += 1
                return past.stands
        return await self._ask_owner(model, request)

    def _step(self, branch: Branch) -> None:
        given = self._given[id(branch.record)]
        given.steps += 1 if branch.fault is None else self._walk.steps_from(branch.at, branch.forked)
        given.steps_new += not branch.known

    def _leaf(self, branch: Branch) -> None:
        given = self._given[id(branch.record)]
        told = (given.steps, given.steps_new, self._recalled)
        given.steps = given.steps_new = self._recalled = 0
        said = (branch.at, branch.forked, branch.skipped, slight(branch.fault), branch.known)
        self._tell(Leaf(given.number, branch_of(branch, self._forks), *said, *told))
        given.left -= self._walk.rows_under(branch)
        if not given.left:
            del self._given[id(branch.record)]
