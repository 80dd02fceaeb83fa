"""The paid answers of failed rows and of refused segments, for a run that pays for them again.

This module sends nothing.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator, Sequence

from pipeline.answers.written import is_own
from pipeline.core.display import counted
from pipeline.core.document import Translated
from pipeline.core.domain import Record, Rejected, Request
from pipeline.core.progress import Progress
from pipeline.engine.in_order import InOrder
from pipeline.journal import recall
from pipeline.journal.journal import Journal
from pipeline.runs.crowd.rounds import Rounds
from pipeline.runs.session import Session


async def let_stand_back(
    session: Session, journal: Journal, rounds: Rounds, say: Callable[[str], None]
) -> None:
    """Take the paid answers of failed rows out of use, so that they are asked for again."""
    look_up = recall.recalling(journal, Progress())
    await rounds.follow(look_up)
    walks = InOrder(session.stages, look_up)
    again = await keys_to_review(walks, session.source.batches())
    await journal.let_go(again)
    if again:
        say(f"{counted(len(again), 'segment')} will be asked for, and paid for, again")
    superseded = 0
    async for request in paid_failures(journal, walks, session.source.batches()):
        await journal.supersede(request)
        superseded += 1
    session.notes.clear()
    if superseded:
        answers = counted(superseded, "paid answer")
        say(f"{answers} of failed rows will be asked for, and paid for, again")


async def keys_to_review(walks: InOrder, batches: Iterator[list[Record]]) -> list[bytes]:
    """The keys of all segments for which no translation could be accepted, each once."""
    keys: dict[bytes, None] = {}
    async for leaves in walks.rows(batches):
        documents = (
            value for leaf in leaves for value in leaf.values.values() if isinstance(value, Translated)
        )
        for one in (one for document in documents for one in document.outcomes):
            keys |= dict.fromkeys(one.keys)
    return list(keys)


async def paid_failures(
    journal: Journal, walks: InOrder, batches: Iterator[list[Record]]
) -> AsyncIterator[Request]:
    """The paid requests of failed rows, each once; `walks` must ask the journal alone."""
    seen: set[bytes] = set()
    async for leaves in walks.rows(batches):
        rejected = (leaf.fault for leaf in leaves if isinstance(leaf.fault, Rejected))
        firsts = (first for fault in rejected for first in _to_ask_again(fault.requests))
        for request in (one for first in firsts for one in first.either):
            if request.digest not in seen and journal.was_paid(request.digest):
                seen.add(request.digest)
                yield request


def _to_ask_again(requests: Sequence[Request]) -> Sequence[Request]:
    """Those of a failed row; of one that was too much like others, not those that other rows share."""
    return [one for one in requests if is_own(one.draw)] or requests
