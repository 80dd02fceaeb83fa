"""A reply is on the disk before anyone uses it, and before its slot is free again.

What it says is read first, so that the reply, its tokens and its cost are one row of the journal, and so that
a key that a server sent back is in none of them. This module does not know who uses a reply.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from time import perf_counter

from anyio import CancelScope, current_time

from pipeline.core.domain import NO_TOKENS, Answer, Billed, Call, Fate, Fault, Reply, Request
from pipeline.core.redaction import redacted
from pipeline.core.secret import cleansed_bytes, cleansed_error
from pipeline.journal.journal import Journal
from pipeline.lanes.guards.verdict import Verdict
from pipeline.money.estimate import Expected
from pipeline.money.tariff import Charge, Tariff
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

    def understood(request: Request, reply: Reply) -> tuple[Reply, Answer | Fault, Charge]:
        """A reply without keys, what it says, and what it has used and cost."""
        try:
            reply, answer = without_keys(reply, read(reply))
        except Fault as error:
            fault = _with_wait(_told(error, request), reply)
            return reply, fault, worst(request, fault)
        return reply, answer, tariff.charge(answer, request, expect)

    async def ask(request: Request) -> Reply:
        began, sent = perf_counter(), current_time()
        try:
            reply = await call(request)
        except Fault as error:
            fault = verdict.on(_told(error, request), request, current_time() - sent)
            charge = worst(request, fault)
            journal.note(request, fault, perf_counter() - began, charge.cost, charge.usage)
            if fault.billed is Billed.YES:
                await journal.settle()  # or the next run would pay for it again
            raise fault from None
        try:
            reply, answer, charge = understood(request, reply)
        except BaseException as error:
            await journal.record(request, reply)
            raise (no_memory() if isinstance(error, MemoryError) else error) from None
        if isinstance(answer, Fault):
            fault = verdict.on(answer, request, current_time() - sent)
            await journal.refuse(request, reply, fault, charge.cost, charge.usage)
            raise fault
        verdict.answered(request, current_time() - sent)
        await journal.record(request, reply, charge.usage, charge.cost)
        cost = charge.cost if charge.usage.whole or charge.cost == 0 else None  # 0: it is free
        return replace(reply, answer=answer, model=request.model, known=False, cost=cost, most=charge.cost)

    return ask


def _worst(tariff: Tariff, expect: Callable[[Request], Expected], request: Request, fault: Fault) -> Charge:
    if fault.billed is Billed.NO:
        return Charge(NO_TOKENS, 0)
    return tariff.charge(Answer(""), request, expect)


def _with_wait(fault: Fault, reply: Reply) -> Fault:
    """The fault, where it is tried again with the wait that headers, or else words, ask for."""
    if fault.fate is Fate.RETRY:
        return fault.but(wait=reply.wait or fault.wait, advertised=reply.advertised)
    return fault


def _told(fault: Fault, request: Request) -> Fault:
    """The same fault, without keys, pieces of keys and the record's private values."""
    said, body = cleansed_error(fault.message), cleansed_bytes(fault.body)
    if said != fault.message or body != fault.body:
        fault = fault.but(message=said, body=body)
    return redacted(fault, request.private)


def shield(call: Call) -> Call:
    """A call that, once begun, ends with its reply in the journal or with a fault of its own."""

    async def ask(request: Request) -> Reply:
        with CancelScope(shield=True):
            reply = await call(request)
        return reply  # noqa: RET504 - inside, a type checker would see a scope that may swallow it

    return ask
