"""What passes is counted, and told as events without a word of the prompt."""

from __future__ import annotations

from pipeline.conversation import read
from pipeline.domain import Call, Fault, Reply, Request
from pipeline.log import Events
from pipeline.tally import Tally
from pipeline.toll import Toll


def observed(call: Call, toll: Toll, events: Events, tally: Tally) -> Call:
    """A call that writes into the tally and the events of the run."""

    async def ask(request: Request) -> Reply:
        tally.sent += 1
        tally.in_flight += 1
        try:
            reply = await call(request)
            answer = read(reply)
        except Fault as fault:
            tally.fault(fault)
            events.warning(
                "request.failed",
                step=request.step,
                key=request.key,
                kind=fault.kind,
                status=fault.status,
                fate=fault.fate.value,
                billed=fault.billed.value,
            )
            raise
        finally:
            tally.in_flight -= 1
        cost = toll.cost(answer)
        tally.answer(request, reply.seconds, answer.usage, cost)
        events.info(
            "request.answered",
            step=request.step,
            key=request.key,
            seconds=round(reply.seconds, 3),
            input=answer.usage.input,
            output=answer.usage.output,
            cost=cost,
            finish_reason=answer.finish_reason[:40],
        )
        return reply

    return ask
