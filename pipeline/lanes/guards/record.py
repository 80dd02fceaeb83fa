"""A reply is on the disk before anyone uses it, and before its slot is free again.

What it says is read first, so that the reply, its tokens and its cost are one row of the journal.
This module does not know who uses a reply.
"""

from __future__ import annotations

from collections.abc import Callable
from time import perf_counter

from anyio import CancelScope

from pipeline.core.domain import Answer, Billed, Call, Fate, Fault, Reply, Request
from pipeline.core.redaction import redacted
from pipeline.journal.journal import Journal
from pipeline.money.estimate import Expected
from pipeline.money.tariff import Tariff
from pipeline.wire.conversation import read
from pipeline.wire.faults import no_memory


def record(call: Call, journal: Journal, tariff: Tariff, expect: Callable[[Request], Expected]) -> Call:
    """A call whose replies and faults are all in the journal, with what they cost.

    A reply that cannot be read becomes a fault. What may have been billed counts at the highest possible
    cost. Whatever goes wrong while a reply is read, it is kept as it came: it has been paid for.
    """

    def worst(request: Request, fault: Fault) -> int | None:
        return 0 if fault.billed is Billed.NO else tariff.most(request, expect(request))

    def understood(request: Request, reply: Reply) -> tuple[Answer | Fault, int | None, int | None]:
        """What a reply says, its cost by its own count, and the cost that is charged to the budget."""
        try:
            answer = read(reply)
        except Fault as error:
            fault = redacted(error, request.private)
            if fault.fate is Fate.RETRY:
                fault = fault.but(wait=reply.wait or fault.wait, advertised=reply.advertised)
            return fault, None, worst(request, fault)
        cost = tariff.cost(answer)
        return answer, cost, cost if _is_counted(answer) else tariff.most(request, expect(request))

    async def ask(request: Request) -> Reply:
        began = perf_counter()
        try:
            reply = await call(request)
        except Fault as error:
            fault = redacted(error, request.private)
            journal.note(request, fault, perf_counter() - began, worst(request, fault))
            if fault.billed is Billed.YES:
                await journal.settle()  # or the next run would pay for it again
            raise fault from None
        try:
            answer, cost, held = understood(request, reply)
        except BaseException as error:
            await journal.record(request, reply)
            raise (no_memory() if isinstance(error, MemoryError) else error) from None
        if isinstance(answer, Fault):
            await journal.refuse(request, reply, answer, held)
            raise answer
        await journal.record(request, reply, answer.usage, held)
        return reply.with_answer(answer, request.model, cost)

    return ask


def _is_counted(answer: Answer) -> bool:
    """Whether the server counted its tokens; else the budget is charged the highest possible cost."""
    return bool(answer.usage.input or answer.usage.output)


def shield(call: Call) -> Call:
    """A call that, once begun, ends with its reply in the journal or with a fault of its own."""

    async def ask(request: Request) -> Reply:
        with CancelScope(shield=True):
            reply = await call(request)
        return reply  # noqa: RET504 - inside, a type checker would see a scope that may swallow it

    return ask
