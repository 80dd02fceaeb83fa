"""Look-ups for a walk that asks the journal alone: nothing is sent.

This module does not know steps, lanes or files of results.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence

from pipeline.core.domain import (
    Billed,
    Fate,
    Fault,
    LookUp,
    Rejected,
    Reply,
    Request,
    Unanswered,
    frozen,
)
from pipeline.core.progress import Progress
from pipeline.journal.journal import Journal
from pipeline.journal.segments import kept_for
from pipeline.translation import memory
from pipeline.wire.conversation import read


def knowing(journal: Journal) -> LookUp:
    """A look-up that only knows the journal, and counts nothing."""
    return lambda requests: [
        Unanswered(request) if past.stands is None else past.stands
        for request, past in zip(requests, find_all(journal, requests), strict=True)
    ]


def recalling(
    journal: Journal, progress: Progress, on_missing: Callable[[Request], object] = lambda request: None
) -> LookUp:
    """The same, which counts what is answered and what is missing, and tells of each that is, once."""
    missing: set[int] = set()

    def outcome(request: Request, past: Past) -> Reply | Fault:
        if past.stands is not None:
            progress.recalled += _is_answer(past.stands)
            return past.stands
        short = int.from_bytes(request.digest[:8])
        if short not in missing:
            progress.missing[request.step, request.model] += 1
            missing.add(short)
            on_missing(request)
        return Unanswered(request)

    return lambda requests: list(map(outcome, requests, find_all(journal, requests)))


def exporting(journal: Journal, progress: Progress, *, given_up: bool) -> LookUp:
    """The same, but a request that was refused fails with the reason.

    A request whose tries all failed is failed, too, if its run has `given_up` on it. After a run that was
    stopped it is pending, because the next run will try it again.
    """

    def outcome(request: Request, past: Past) -> Reply | Fault:
        if past.stands is not None:
            progress.recalled += _is_answer(past.stands)
            return past.stands
        fault = past.failed
        if fault is None or fault.fate is Fate.STOP or (fault.fate is Fate.RETRY and not given_up):
            return Unanswered(request)
        return Fault(fault.kind, fault.message, billed=fault.billed)

    return lambda requests: list(map(outcome, requests, find_all(journal, requests)))


def _is_answer(outcome: Reply | Fault) -> bool:
    """Whether it is an answer that was paid for, and not one of the journal's own."""
    return isinstance(outcome, Reply) and outcome.api != memory.API


@frozen
class Past:
    """What the journal knows of a request.

    `stands` is its reply, or that of what was asked instead. It is a fault where an attempt was paid for and
    brought nothing to read, such as a reply that was too large: it would be paid for again. It is None where
    there is neither. So it is for a kept reply that cannot be read, if the program was killed before it
    noted the fault. `failed` says how the last attempt at the request itself failed.
    """

    stands: Reply | Fault | None
    failed: Fault | None


def find_all(journal: Journal, requests: Sequence[Request]) -> list[Past]:
    """What the journal knows of each of these requests."""
    if any(request.api == memory.API for request in requests):
        return [
            _remembered(journal, one) if one.api == memory.API else find(journal, one) for one in requests
        ]
    digests = [request.digest for request in requests]
    digests += [asked.digest for request in requests if request.instead for asked in chain(request.instead)]
    replies, faults = journal.look_up(digests)

    def past(request: Request) -> Past:
        failed = faults.get(request.digest) if faults else None
        asked: Request | None = request
        while asked is not None:
            reply = replies.get(asked.digest)
            if reply is not None:
                try:
                    answer = read(reply, tokens=False)
                except Fault:
                    pass
                else:
                    known = Reply(reply.api, reply.body, reply.seconds, answer, asked.model, True)
                    return Past(known, failed)
            asked = asked.instead
        return Past(_paid(request, faults) if faults else None, failed)

    return list(map(past, requests))


def _remembered(journal: Journal, request: Request) -> Past:
    """All answers that the segments of a question ever had, also in the journals of other jobs."""
    keys, also = memory.asked(request)
    found = kept_for(journal.select, keys)
    for name in also:
        for own, other in zip(found, kept_for(journal.of_job(name).select, keys), strict=True):
            own[:0] = other
    return Past(memory.reply_of(found), None)


def _paid(request: Request, faults: Mapping[bytes, Fault]) -> Fault | None:
    """The fault of the first in a chain that was paid for."""
    for asked in chain(request):
        fault = faults.get(asked.digest)
        if fault is not None and fault.billed is Billed.YES:
            return Rejected(fault.kind, fault.message, fate=fault.fate, requests=(asked,), known=True)
    return None


def find(journal: Journal, request: Request) -> Past:
    """What the journal knows of one request."""
    return find_all(journal, [request])[0]


def chain(request: Request | None) -> Iterator[Request]:
    """A request, and after it those to fallback models that may be asked instead."""
    while request is not None:
        yield request
        request = request.instead
