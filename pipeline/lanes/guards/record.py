"""A reply is on the disk before anyone uses it, and before its slot is free again.

What it says is read first, so that the reply, its tokens and its cost are one row of the journal, and so that
a key that a server sent back is in none of them. This module does not know who uses a reply.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from time import perf_counter

from anyio import CancelScope, current_time

from pipeline.core.domain import Answer, Billed, Call, Fate, Fault, Reply, Request
from pipeline.core.redaction import redacted
from pipeline.core.secret import cleansed, cleansed_bytes
from pipeline.journal.journal import Journal
from pipeline.lanes.guards.verdict import Verdict
from pipeline.money.estimate import Expected
from pipeline.money.tariff import Tariff
from pipeline.wire.conversation import read
from pipeline.wire.faults import no_memory
from pipeline.wire.kept import without_keys


def record(
    call: Call,
    journal: Journal,
    tariff: Tariff,
    expect: Callable[[Request], Expected],
    verdict: Verdict | None = None,
) -> Call:
    """A call whose replies and faults are all in the journal: a fault as what `verdict` makes of it.

    A reply that cannot be read becomes one, too. Whatever goes wrong while it is read, it is kept as it came.
    """
    verdict, worst = verdict or Verdict(), partial(_worst, tariff, expect)

    def understood(request: Request, reply: Reply) -> tuple[Reply, Answer | Fault, int | None, int | None]:
        """A reply, what it says, its cost by its own count, and the cost that is charged to the budget."""
        try:
            reply, answer = without_keys(reply, read(reply))
        except Fault as error:
            fault = _told(error, request)
            if fault.fate is Fate.RETRY:
                fault = fault.but(wait=reply.wait or fault.wait, advertised=reply.advertised)
            return reply, fault, None, worst(request, fault)
        cost = tariff.cost(answer)
        held = cost if _is_counted(answer) else tariff.most(request, expect(request))
        return reply, answer, cost, held

    async def ask(request: Request) -> Reply:
        began, sent = perf_counter(), current_time()
        try:
            reply = await call(request)
        except Fault as error:
            fault = verdict.on(_told(error, request), request, current_time() - sent)
            journal.note(request, fault, perf_counter() - began, worst(request, fault))
            if fault.billed is Billed.YES:
                await journal.settle()  # or the next run would pay for it again
            raise fault from None
        try:
            reply, answer, cost, held = understood(request, reply)
        except BaseException as error:
            await journal.record(request, reply)
            raise (no_memory() if isinstance(error, MemoryError) else error) from None
        if isinstance(answer, Fault):
            fault = verdict.on(answer, request, current_time() - sent)
            await journal.refuse(request, reply, fault, held)
            raise fault
        verdict.answered(request, current_time() - sent)
        await journal.record(request, reply, answer.usage, held)
        return reply.with_answer(answer, request.model, cost)

    return ask


def _worst(
    tariff: Tariff, expect: Callable[[Request], Expected], request: Request, fault: Fault
) -> int | None:
    return 0 if fault.billed is Billed.NO else tariff.most(request, expect(request))


def _told(fault: Fault, request: Request) -> Fault:
    """The same fault, without keys and the record's private values."""
    said, body = cleansed(fault.message), cleansed_bytes(fault.body)
    if said != fault.message or body != fault.body:
        fault = fault.but(message=said, body=body)
    return redacted(fault, request.private)


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
