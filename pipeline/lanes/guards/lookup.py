"""The journal answers what it knows; of equal requests under way only one is sent."""

from __future__ import annotations

from dataclasses import dataclass

import anyio

from pipeline.core.domain import Call, Fault, Reply, Request
from pipeline.core.progress import Progress
from pipeline.journal.journal import Journal
from pipeline.journal.recall import find
from pipeline.translation import memory


@dataclass(slots=True)
class Flight:
    """A request under way, and its end. `landed` is set only where another request waits for it."""

    landed: anyio.Event | None = None
    reply: Reply | None = None
    fault: Fault | None = None


def lookup(call: Call, journal: Journal, progress: Progress, flights: dict[bytes, Flight]) -> Call:
    """A call that asks the journal first. A request equal to one under way waits for that one's answer.

    `flights` is shared by all calls of a run: equal requests of two models are one request.
    """

    async def lead(request: Request, flight: Flight, failed_before: bool) -> Reply:
        try:
            await journal.note_segments(request)  # before it is paid for
            flight.reply = await call(request)
        except Fault as fault:
            flight.fault = fault.but(again=True) if failed_before else fault
            raise flight.fault from None
        finally:
            del flights[request.digest]
            if flight.landed is not None:
                flight.landed.set()
        return flight.reply

    async def ask(request: Request) -> Reply:
        past = find(journal, request)
        if isinstance(past.stands, Fault):
            raise past.stands
        if past.stands is not None:
            await journal.note_segments(request)
            progress.recalled += request.api != memory.API
            return past.stands
        flight = flights.get(request.digest)
        if flight is None:
            flight = flights[request.digest] = Flight()
            return await lead(request, flight, past.failed is not None)
        flight.landed = flight.landed or anyio.Event()
        await flight.landed.wait()
        if flight.fault is not None:
            raise flight.fault
        return flight.reply if flight.reply is not None else await ask(request)

    return ask
