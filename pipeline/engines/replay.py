"""The same walk with nobody behind the journal: one record after the other, in the order of the input.

Nothing is sent. This module does not write files.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator

import anyio
import anyio.lowlevel

from pipeline.domain import Call, Fate, Fault, Record, Reply, Request, Unanswered
from pipeline.guards.recalled import find
from pipeline.journal import Journal
from pipeline.tally import Tally
from pipeline.walk import Branch, Walk


def recalling(journal: Journal, tally: Tally) -> Call:
    """A call that only knows the journal; a request it cannot answer is `Unanswered`."""
    missing: set[int] = set()

    async def ask(request: Request) -> Reply:
        reply = find(journal, request)
        if reply is None:
            short = int.from_bytes(request.digest[:8])
            if short not in missing:
                tally.missing[request.step, request.model] += 1
                missing.add(short)
            raise Unanswered(request)
        tally.recalled += 1
        return reply

    return ask


def exporting(journal: Journal, tally: Tally, *, given_up: bool) -> Call:
    """The same, but a request that was refused fails with the reason.

    What was tried in vain fails too when its run has `given_up` on it; after a run that was stopped it is
    pending, because the next one will try it again.
    """
    recall = recalling(journal, tally)

    async def ask(request: Request) -> Reply:
        try:
            return await recall(request)
        except Unanswered:
            fault = journal.last_fault(request.digest)
            if fault is None or fault.fate is Fate.STOP or (fault.fate is Fate.RETRY and not given_up):
                raise
        raise Fault(fault.kind, fault.message, billed=fault.billed)

    return ask


async def rows(walk: Walk, batches: Iterator[list[Record]]) -> AsyncIterator[Branch]:
    """The leaf behind every row of the result, in the order of the rows."""
    for batch in batches:
        await anyio.lowlevel.checkpoint()  # a signal is heard between batches
        for record in batch:
            for leaf in await walk.leaves(record):
                for row in walk.rows_of(leaf):
                    yield row


async def paid_failures(
    journal: Journal, walk: Walk, batches: Iterator[list[Record]]
) -> AsyncIterator[Request]:
    """The requests behind failed rows that were answered and paid for, each once, whichever model answered.

    The walk is one that knows the journal alone.
    """
    seen: set[bytes] = set()
    async for leaf in rows(walk, batches):
        for first in leaf.fault.requests if leaf.fault else ():
            request: Request | None = first
            while request is not None:
                if request.digest not in seen and journal.was_paid(request.digest):
                    seen.add(request.digest)
                    yield request
                request = request.instead
