"""A reply is on the disk before anyone uses it, and before its slot is free again.

What it says is read first, so that the reply, its tokens and its cost are one row of the journal.
This module does not know who uses a reply.
"""

from __future__ import annotations

from collections.abc import Callable
from time import perf_counter

from anyio import CancelScope

from pipeline.core.domain import NO_TOKENS, Answer, Billed, Call, Fate, Fault, Reply, Request
from pipeline.core.redaction import redacted
from pipeline.journal.journal import Journal
from pipeline.money.estimate import Expected
from pipeline.money.tariff import Charge, Tariff
from pipeline.wire.conversation import read
from pipeline.wire.faults import no_memory


def record(call: Call, journal: Journal, tariff: Tariff, expect: Callable[[Request], Expected]) -> Call:
    """A call whose replies and faults are all in the journal, with what they cost.

    A reply that cannot be read becomes a fault. What may have been billed counts at the highest possible
    cost. Whatever goes wrong while a reply is read, it is kept as it came: it has been paid for.
    """

    def worst(request: Request, fault: Fault) -> Charge:
        if fault.billed is Billed.NO:
            return Charge(NO_TOKENS, 0)
        return tariff.charge(Answer(""), request, expect)

    def understood(request: Request, reply: Reply) -> tuple[Answer | Fault, Charge]:
        """What a reply says, and what it has used and cost."""
        try:
            answer = read(reply)
        except Fault as error:
            fault = _with_wait(redacted(error, request.private), reply)
            return fault, worst(request, fault)
        return answer, tariff.charge(answer, request, expect)

    async def ask(request: Request) -> Reply:
        began = perf_counter()
        try:
            reply = await call(request)
        except Fault as error:
            fault = redacted(error, request.private)
            charge = worst(request, fault)
            journal.note(request, fault, perf_counter() - began, charge.cost, charge.usage)
            if fault.billed is Billed.YES:
                await journal.settle()  # or the next run would pay for it again
            raise fault from None
        try:
            answer, charge = understood(request, reply)
        except BaseException as error:
            await journal.record(request, reply)
            raise (no_memory() if isinstance(error, MemoryError) else error) from None
        if isinstance(answer, Fault):
            await journal.refuse(request, reply, answer, charge.cost, charge.usage)
            raise answer
        await journal.record(request, reply, charge.usage, charge.cost)
        return reply.with_answer(answer, request.model, charge.cost if charge.usage.whole else None)

    return ask


def _with_wait(fault: Fault, reply: Reply) -> Fault:
    """The fault with the wait that the reply's headers ask for, where it is tried again and names none."""
    if fault.fate is Fate.RETRY and fault.wait is None:
        return fault.but(wait=reply.wait, advertised=reply.advertised)
    return fault


def shield(call: Call) -> Call:
    """A call that, once begun, ends with its reply in the journal or with a fault of its own."""

    async def ask(request: Request) -> Reply:
        with CancelScope(shield=True):
            reply = await call(request)
        return reply  # noqa: RET504 - inside, a type checker would see a scope that may swallow it

    return ask
