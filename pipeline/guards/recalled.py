"""The journal answers what it knows; of equal requests under way only one is sent."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field

import anyio

from pipeline.conversation import understood
from pipeline.domain import Billed, Call, Fault, Reply, Request
from pipeline.journal import Journal
from pipeline.tally import Tally


@dataclass
class Flight:
    """A request under way, and how it landed."""

    landed: anyio.Event = field(default_factory=anyio.Event)
    reply: Reply | None = None
    fault: Fault | None = None


def recalled(call: Call, journal: Journal, tally: Tally, flights: dict[bytes, Flight]) -> Call:
    """A call that asks the journal first. Whoever asks for what is under way waits for that answer.

    `flights` is shared by all calls of a run: equal requests of two models are one request.
    """

    async def lead(request: Request, flight: Flight) -> Reply:
        failed_before = journal.last_fault(request.digest) is not None
        try:
            flight.reply = await call(request)
        except Fault as fault:
            fault.again = failed_before
            flight.fault = fault
            raise
        finally:
            del flights[request.digest]
            flight.landed.set()
        return flight.reply

    async def ask(request: Request) -> Reply:
        known = find(journal, request)
        if known is not None:
            tally.recalled += 1
            return known
        flight = flights.get(request.digest)
        if flight is None:
            flight = flights[request.digest] = Flight()
            return await lead(request, flight)
        await flight.landed.wait()
        if flight.fault is not None:
            raise flight.fault
        return flight.reply if flight.reply is not None else await ask(request)

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
            return understood(reply, request.model, known=True)
    return None
