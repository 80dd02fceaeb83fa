"""A reply's raw body is on the disk before anyone reads it, and before its slot is free again."""

from __future__ import annotations

from collections.abc import Callable
from time import perf_counter

from anyio import CancelScope

from pipeline.core.domain import Billed, Call, Fate, Fault, Reply, Request
from pipeline.core.redaction import redacted
from pipeline.journal.journal import Journal
from pipeline.money.estimate import Expected
from pipeline.money.tariff import Tariff
from pipeline.wire.conversation import understood


def record(call: Call, journal: Journal, tariff: Tariff, expect: Callable[[Request], Expected]) -> Call:
    """A call whose replies and faults are all in the journal, with what they cost.

    A reply that is none becomes a fault. What may have been billed is priced at its worst.
    """

    def worst(request: Request, fault: Fault) -> int | None:
        return 0 if fault.billed is Billed.NO else tariff.most(request, expect(request))

    async def ask(request: Request) -> Reply:
        began = perf_counter()
        try:
            reply = await call(request)
        except Fault as error:
            fault = redacted(error, request.private)
            journal.note(request, fault, perf_counter() - began, worst(request, fault))
            if fault.billed is Billed.YES:
                await journal.settle()  # it is not paid for again
            raise fault from None
        await journal.record(request, reply)
        try:
            reply = understood(reply, request.model)
        except Fault as error:
            fault = redacted(error, request.private)
            if fault.fate is Fate.RETRY and fault.wait is None:
                fault = fault.but(wait=reply.wait, advertised=reply.advertised)
            await journal.void(request, fault, worst(request, fault))
            raise fault from None
        if reply.answer is not None:
            usage = reply.answer.usage
            counted = usage.input or usage.output  # else it is held against the budget at its worst
            cost = tariff.cost(reply.answer) if counted else tariff.most(request, expect(request))
            journal.count(request, usage, cost)
        return reply

    return ask


def shield(call: Call) -> Call:
    """A call that, once begun, ends with its reply in the journal or with a fault of its own."""

    async def ask(request: Request) -> Reply:
        with CancelScope(shield=True):
            reply = await call(request)
        return reply  # noqa: RET504 - inside, a type checker would see a scope that may swallow it

    return ask
