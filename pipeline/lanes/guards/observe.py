"""Counts what passes, and writes events that hold nothing of the prompt."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from time import perf_counter

from pipeline.core.domain import ANY_MODEL, Answer, Call, Fault, Reply, Request
from pipeline.core.progress import Progress
from pipeline.core.redaction import without
from pipeline.journal.events import Events
from pipeline.wire.conversation import read
from pipeline.wire.words import KNOWN

_MOST = 1000
_EDITION = re.compile(r"[-@:](latest|preview|free|\d{3,8}(-\d\d){0,2})$")


def observe(
    call: Call, events: Events, progress: Progress, dearer: Callable[[Request, Answer], str] = lambda *_: ""
) -> Call:
    """A call that writes into the progress and the events of the run.

    `dearer` says where an answer costs more than the service tier that was asked for.
    """

    async def ask(request: Request) -> Reply:
        progress.sent += 1
        progress.in_flight += 1
        began = perf_counter()
        who = {"step": request.step, "key": request.key, "model": request.model, "attempt": request.attempt}
        try:
            reply = await call(request)
            answer = read(reply)
        except Fault as fault:
            progress.fault(fault, request.step, request.key)
            events.warning(
                "request.failed",
                **who,
                seconds=round(perf_counter() - began, 3),
                kind=fault.kind,
                status=fault.status,
                fate=fault.fate.value,
                billed=fault.billed.value,
            )
            raise
        finally:
            progress.in_flight -= 1
        costs_more = dearer(request, answer)
        for remark in (
            *remarks(request, reply, answer),
            *([_redacted(costs_more, request)] if costs_more else ()),
        ):
            if progress.remark(remark):
                events.warning("reply.odd", step=request.step, key=request.key, remark=remark)
        progress.answer(reply, answer.usage, request.step, request.key)
        events.info(
            "request.answered",
            **who,
            seconds=round(reply.seconds, 3),
            input=answer.usage.input,
            output=answer.usage.output,
            cost=reply.cost,
            finish_reason=_redacted(answer.finish_reason, request)[:40],
        )
        return reply

    return ask


def remarks(request: Request, reply: Reply, answer: Answer) -> Iterator[str]:
    """What is odd about a reply that is taken all the same."""
    if reply.odd:
        yield _redacted(reply.odd, request)
    if answer.finish_reason not in KNOWN and answer.text.strip():
        word = _redacted(answer.finish_reason, request)[:40]
        yield f"{request.model[:80]} ends answers with '{word}', which is not a known word; they are taken"
    asked, by = request.model, answer.model
    if asked not in (by, "", ANY_MODEL) and by and _model(asked) != _model(by):
        yield f"asked for {asked[:80]}, answered by {_redacted(by, request)[:80]}"


def _redacted(words: str, request: Request) -> str:
    """A server's words, cut short after the private values were taken out."""
    return without(words[:_MOST], request.private) if request.private else words


def _model(name: str) -> str:
    """A model's name without its maker, its edition and its capitals, which servers add and leave out."""
    return _EDITION.sub("", name[:200].lower().rpartition("/")[2])
