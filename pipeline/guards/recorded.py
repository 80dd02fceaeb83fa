"""A reply's raw body is on the disk before anyone reads it, and before its slot is free again."""

from __future__ import annotations

from collections.abc import Callable
from time import perf_counter

from pipeline.conversation import understood
from pipeline.domain import Billed, Call, Fate, Fault, Reply, Request
from pipeline.journal import Journal
from pipeline.limits._base import Expected
from pipeline.privacy import hushed
from pipeline.toll import Toll


def recorded(call: Call, journal: Journal, toll: Toll, expect: Callable[[Request], Expected]) -> Call:
    """A call whose replies and faults are all in the journal, with what they cost.

    A reply that is none becomes a fault. What may have been billed is priced at its worst.
    """

    def worst(request: Request, fault: Fault) -> int | None:
        return 0 if fault.billed is Billed.NO else toll.most(request, expect(request))

    async def ask(request: Request) -> Reply:
        began = perf_counter()
        try:
            reply = await call(request)
        except Fault as fault:
            hushed(fault, request.private)
            journal.note(request, fault, perf_counter() - began, worst(request, fault))
            if fault.billed is Billed.YES:
                await journal.settle()  # it is not paid for again
            raise
        await journal.record(request, reply)
        try:
            reply = understood(reply, request.model)
        except Fault as fault:
            if fault.fate is Fate.RETRY and fault.wait is None:
                fault.wait, fault.told = reply.wait, reply.told
            hushed(fault, request.private)
            await journal.void(request, fault, worst(request, fault))
            raise
        if reply.answer is not None:
            usage = reply.answer.usage
            counted = usage.input or usage.output  # else it is held against the budget at its worst
            cost = toll.cost(reply.answer) if counted else toll.most(request, expect(request))
            journal.count(request, usage, cost)
        return reply

    return ask
