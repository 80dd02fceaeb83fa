"""Rounds in which answers that are nearly equal to others are written again.

All rows are walked with what the journal has, and what is too much alike is noted. The notes change the next
walk: there, these answers get a complaint, and their repairs are asked for. Then the answers are compared
again, until nothing new is noted. Notes come from the journal and the input alone, so every command finds the
same ones. This module sends nothing, and loads numpy only where a job wants it.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Collection, Iterator, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from pipeline.core.display import counted
from pipeline.core.domain import LookUp, Record
from pipeline.engine.in_order import InOrder, records_at_once
from pipeline.engine.stages import Stage
from pipeline.output.accepted import until_enough
from pipeline.records.documents import Documents
from pipeline.records.source import Source
from pipeline.runs.crowd.notes import Notes
from pipeline.runs.session import Session

if TYPE_CHECKING:
    from pipeline.runs.crowd.crowd import Crowd


@dataclass
class Found:
    """What one look at all answers has found."""

    keys: set[str] = field(default_factory=set)
    """records that are to be asked again"""
    pending: bool = False
    """whether an answer is missing; then nothing is noted"""
    answers: Counter[str] = field(default_factory=Counter)
    """how many answers of each step are to be written again"""

    @property
    def said(self) -> str:
        """The same in a sentence."""
        (step, count), *_ = self.answers.most_common(1)
        are = "is" if count == 1 else "are"
        return (
            f"{counted(count, 'answer')} of the step '{step}' {are} nearly equal to others, and written again"
        )


class Rounds:
    """The rounds of a job. Nothing happens in them where no check compares answers."""

    def __init__(
        self,
        stages: Sequence[Stage],
        notes: Notes,
        source: Source | Documents,
        accept: int | None = None,
        without: Collection[str] = (),
    ) -> None:
        """Records with a key in `without` are left out."""
        self._stages, self._notes, self._source = stages, notes, source
        self._accept, self._without = accept, without
        self._wanted = any(stage.spec.distinct for stage in stages)
        self._crowds: list[Crowd] = []
        self._again: set[str] = set()

    @classmethod
    def of(cls, session: Session, without: Collection[str] = ()) -> Rounds:
        """The rounds of a job that was opened."""
        return cls(session.stages, session.notes, session.source, session.job.accept, without)

    async def follow(self, look_up: LookUp) -> None:
        """Note what all rounds have found whose requests are all answered."""
        while (await self.next(look_up)).keys:
            pass

    async def next(self, look_up: LookUp) -> Found:
        """Look at all answers; after a round, anew only at those of the records that it has named."""
        found = Found()
        if not self._wanted:
            return found
        again = self._again if self._accept is None else set[str]()
        if not again:
            from pipeline.runs.crowd.crowd import crowds_of

            self._crowds = crowds_of(self._stages)
        found.pending = await self._look(look_up, again)
        for crowd in () if found.pending else self._crowds:
            if found.keys and crowd.step not in found.answers:
                break  # what comes after a changed answer will change, too
            new = list(crowd.noted(self._notes))
            if new and crowd.hard:
                found.keys.update(new)
                found.answers[crowd.step] += len(new)
        self._again = found.keys
        if not found.keys:
            self._crowds = []
        return found

    async def _look(self, look_up: LookUp, again: Collection[str]) -> bool:
        """Take in the answers, those of `again` alone if it names records; whether one is missing."""
        numbers = deque[int]()
        walks = InOrder(self._stages, look_up)
        rows = until_enough(walks.rows(self._numbered(again, numbers)), self._accept)
        last: Record | None = None
        number = 0
        async with aclosing(rows):
            async for leaves in rows:
                for leaf in leaves:
                    if leaf.status == "pending":
                        return True
                    if leaf.record is not last:
                        last, number = leaf.record, numbers.popleft()
                        for crowd in self._crowds:
                            crowd.begin(number)
                    for crowd in self._crowds:
                        crowd.meet(number, leaf)
        return False

    def _numbered(self, again: Collection[str], numbers: deque[int]) -> Iterator[list[Record]]:
        """The records, with their numbers in the input."""
        number = 0
        for batch in self._source.batches(records_at_once(self._stages)):
            chosen = []
            for record in batch:
                number += 1
                if record.key not in self._without and (not again or record.key in again):
                    chosen.append(record)
                    numbers.append(number)
            if chosen:
                yield chosen
