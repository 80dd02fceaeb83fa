"""What comes to nothing with one model is asked of another, where the job names one."""

from __future__ import annotations

from pipeline.domain import Billed, Call, Fate, Fault, Reply, Request
from pipeline.log import Events


def substituted(call: Call, instead: Call, events: Events) -> Call:
    """A call that asks `instead` for what failed unpaid: retries used up, or refused as it is.

    What was paid for and brought nothing is no reason to pay somebody else.
    """

    async def ask(request: Request) -> Reply:
        try:
            return await call(request)
        except Fault as fault:
            if request.instead is None or fault.fate is Fate.STOP or fault.billed is Billed.YES:
                raise
            other = request.instead
            events.warning(
                "request.substituted", step=request.step, key=request.key, kind=fault.kind, model=other.model
            )
        return await instead(other)

    return ask
