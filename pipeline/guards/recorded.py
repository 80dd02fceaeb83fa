"""A reply's raw body is on the disk before anyone reads it, and before its slot is free again."""

from __future__ import annotations

from time import perf_counter

from pipeline.conversation import understood
from pipeline.domain import Call, Fault, Reply, Request
from pipeline.journal import Journal


def recorded(call: Call, journal: Journal) -> Call:
    """A call whose replies and faults are all in the journal. A reply that is none becomes a fault."""

    async def ask(request: Request) -> Reply:
        began = perf_counter()
        try:
            reply = await call(request)
        except Fault as fault:
            journal.note(request, fault, perf_counter() - began)
            raise
        await journal.record(request, reply)
        try:
            return understood(reply)
        except Fault as fault:
            await journal.void(request, fault)
            raise

    return ask
