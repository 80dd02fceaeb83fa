"""A fault that asks for it is tried again, later; who waits holds no slot.

The wait is what the server told, never less, or else full jitter over a doubling range (Brooker,
"Exponential Backoff And Jitter", 2015). A refusal for its rate costs nothing, so it does not use up the
retries; it is bounded by time.
"""

from __future__ import annotations

from random import uniform

import anyio

from pipeline.domain import Call, Fate, Fault, Reply, Request
from pipeline.log import Events
from pipeline.tally import Tally

LONGEST_WAIT = 60.0
PATIENCE = 3600.0
OUTAGE = 10


def backoff(attempt: int) -> float:
    """Seconds before the attempt after `attempt` (1-based): anywhere below 1, 2, 4, … 60 s."""
    return uniform(0, min(LONGEST_WAIT, 2.0 ** min(attempt - 1, 6)))  # noqa: S311 - not a secret


def retried(call: Call, retries: int, events: Events, tally: Tally) -> Call:
    """A call that tries again. When `OUTAGE` requests on end have used up their retries, the run stops."""
    given_up = 0

    async def ask(request: Request) -> Reply:
        nonlocal given_up
        counted, refused, waited = 0, 0, 0.0
        while True:
            try:
                reply = await call(request)
            except Fault as fault:
                if fault.fate is not Fate.RETRY:
                    raise
                refused += fault.kind == "rate_limited"
                counted += fault.kind != "rate_limited"
                if counted > retries or waited > PATIENCE:
                    given_up += 1
                    if given_up >= OUTAGE:
                        raise _outage(fault) from None
                    raise
                attempt = counted + refused
                wait = fault.wait + uniform(0, 0.1 * fault.wait) if fault.wait else backoff(attempt)  # noqa: S311
                events.info(
                    "request.retried",
                    step=request.step,
                    key=request.key,
                    kind=fault.kind,
                    attempt=attempt,
                    wait=wait,
                )
            else:
                given_up = 0
                return reply
            await anyio.sleep(wait)
            waited += wait

    return ask


def _outage(fault: Fault) -> Fault:
    message = f"{OUTAGE} requests on end used up their retries; the last one: {fault}"
    return Fault("outage", message, fate=Fate.STOP)
