"""Calls behind which only the journal stands: what was answered is given again, nothing is sent.

This module does not know steps, lanes or files of results.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress

from pipeline.core.domain import Billed, Call, Fate, Fault, Reply, Request, Unanswered
from pipeline.core.progress import Progress
from pipeline.journal.journal import Journal
from pipeline.wire.conversation import read


def recalling(journal: Journal, progress: Progress) -> Call:
    """A call that only knows the journal; a request it cannot answer is `Unanswered`."""
    missing: set[int] = set()

    async def ask(request: Request) -> Reply:
        reply = find(journal, request)
        if reply is None:
            short = int.from_bytes(request.digest[:8])
            if short not in missing:
                progress.missing[request.step, request.model] += 1
                missing.add(short)
            raise Unanswered(request)
        progress.recalled += 1
        return reply

    return ask


def exporting(journal: Journal, progress: Progress, *, given_up: bool) -> Call:
    """The same, but a request that was refused fails with the reason.

    What was tried in vain fails too when its run has `given_up` on it; after a run that was stopped it is
    pending, because the next one will try it again.
    """
    recall = recalling(journal, progress)

    async def ask(request: Request) -> Reply:
        try:
            return await recall(request)
        except Unanswered:
            fault = journal.last_fault(request.digest)
            if fault is None or fault.fate is Fate.STOP or (fault.fate is Fate.RETRY and not given_up):
                raise
        raise Fault(fault.kind, fault.message, billed=fault.billed)

    return ask


def find(journal: Journal, request: Request) -> Reply | None:
    """The journal's reply to a request, or to what was asked instead; None where there is none to read.

    Where there is none, raises the fault of an attempt that was paid for and brought nothing to read, such
    as a reply beyond all size: it would be paid for again. (A reply that is kept and cannot be read is there
    only when a run was killed between keeping and voiding it.)
    """
    chain = list(_chain(request))
    for asked in chain:
        reply = _find(journal, asked)
        if reply is not None:
            return reply
    for asked in chain:
        fault = journal.last_fault(asked.digest)
        if fault is not None and fault.billed is Billed.YES:
            fault.requests = (asked,)
            fault.known = True
            raise fault
    return None


def _chain(request: Request | None) -> Iterator[Request]:
    while request is not None:
        yield request
        request = request.instead


def _find(journal: Journal, request: Request) -> Reply | None:
    reply = journal.find(request.digest)
    if reply is not None:
        with suppress(Fault):
            return reply.with_answer(read(reply), request.model, known=True)
    return None
