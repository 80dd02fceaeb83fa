"""Asks a fallback model where the first one brought nothing, if the job names one."""

from __future__ import annotations

from collections.abc import Sequence

import anyio

from pipeline.core.domain import Billed, Call, Fate, Fault, Reply, Request, Unanswered
from pipeline.journal.events import Events
from pipeline.lanes.guards.queue import Queue
from pipeline.lanes.limits.circuit_breaker import CircuitBreaker


def fallback(call: Call, instead: Call, events: Events) -> Call:
    """A call that asks `instead` for a request that failed unpaid: its tries are used up, or it is refused.

    A request that was paid for is not asked again elsewhere: that would pay for it twice.
    """

    async def ask(request: Request) -> Reply:
        try:
            return await call(request)
        except Unanswered:
            raise  # it waits for its turn
        except Fault as fault:
            if request.instead is None or fault.fate is Fate.STOP or fault.billed is Billed.YES:
                raise
            other = request.instead
            events.warning(
                "request.substituted", step=request.step, key=request.key, kind=fault.kind, model=other.model
            )
        return await instead(other)

    return ask


_GIVEN_UP = frozenset({"outage", "refusing"})


def skip_if_down(call: Call, lanes: Sequence[tuple[Queue, CircuitBreaker]]) -> Call:
    """A call that fails at once while all `lanes` of its model are down; only their probes are sent.

    When the lanes give the server up, the request fails, and the run goes on.
    """

    def down() -> bool:
        now = anyio.current_time()
        return all(circuit_breaker.resting(now) > 0 for _, circuit_breaker in lanes)

    async def ask(request: Request) -> Reply:
        if down():
            raise Fault("outage", "the server is down", fate=Fate.FAIL)
        try:
            return await call(request)
        except Fault as fault:
            if down():
                for queue, _ in lanes:
                    queue.flush(fault)
            if fault.fate is Fate.STOP and fault.kind in _GIVEN_UP:
                raise Fault(fault.kind, fault.message, fate=Fate.FAIL) from None
            raise

    return ask
