"""What may be asked of another model does not wait for a server that is down."""

from __future__ import annotations

from collections.abc import Sequence

import anyio

from pipeline.domain import Call, Fate, Fault, Reply, Request
from pipeline.guards.queued import Turnstile
from pipeline.limits.breaker import Breaker

_GIVEN_UP = frozenset({"outage", "refusing"})


def impatient(call: Call, lanes: Sequence[tuple[Turnstile, Breaker]]) -> Call:
    """A call that fails at once while all `lanes` of its model are down, but for their probes.

    Where their patience has ended, it is the request that fails and not the run.
    """

    def down() -> bool:
        now = anyio.current_time()
        return all(breaker.resting(now) > 0 for _, breaker in lanes)

    async def ask(request: Request) -> Reply:
        if down():
            raise Fault("outage", "the server is down", fate=Fate.FAIL)
        try:
            return await call(request)
        except Fault as fault:
            if down():
                for turnstile, _ in lanes:
                    turnstile.flush(fault)
            if fault.fate is Fate.STOP and fault.kind in _GIVEN_UP:
                raise Fault(fault.kind, fault.message, fate=Fate.FAIL) from None
            raise

    return ask
