"""What passes is counted, and told as events without a word of the prompt."""

from __future__ import annotations

from pipeline.conversation import read
from pipeline.domain import Call, Fault, Reply, Request
from pipeline.log import Events
from pipeline.tally import Tally


def observed(call: Call, events: Events, tally: Tally) -> Call:
    """A call that writes into the tally and the events of the run."""

    async def ask(request: Request) -> Reply:
        tally.sent += 1
        tally.in_flight += 1
        try:
            reply = await call(request)
            answer = read(reply)
        except Fault as fault:
            tally.faults[fault.kind] += 1
            tally.last_error = str(fault)
            events.warning(
                "request.failed",
                step=request.step,
                key=request.key,
                kind=fault.kind,
                status=fault.status,
                fate=fault.fate.value,
            )
            raise
        finally:
            tally.in_flight -= 1
        tally.answered += 1
        tally.input_tokens += answer.usage.input
        tally.output_tokens += answer.usage.output
        events.info(
            "request.answered",
            step=request.step,
            key=request.key,
            seconds=round(reply.seconds, 3),
            input=answer.usage.input,
            output=answer.usage.output,
            finish_reason=answer.finish_reason[:40],
        )
        return reply

    return ask
