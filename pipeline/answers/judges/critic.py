"""How a model is asked about texts that another one wrote: once more, where its answer is of no use.

What cannot be judged is never taken for good: it is a fault of the row, whose kind is `not_judged`. The
answer that waits for its judge stays in the journal. This module does not know what is judged.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, TypeVar

from pipeline.answers import finish
from pipeline.answers.asking import Asking, rejected
from pipeline.answers.complaints import to_a_person
from pipeline.answers.shapes.shape import Shape
from pipeline.core import adapters
from pipeline.core.domain import Call, Fate, Fault, Request, Unanswered
from pipeline.core.errors import JobError
from pipeline.job.models import Model
from pipeline.wire.conversation import Conversation, read

NOT_JUDGED = "not_judged"
CHAT = ("chat", "responses", "completions")
"""dialects in which a model can be asked for anything"""
_LONGEST = 300
"""the most characters of what a judge says that anybody is shown"""
_Read = TypeVar("_Read")


class UnusableError(ValueError):
    """An answer that is no judgement; its text is a sentence for the judge."""


class Critic:
    """A model that is asked about texts, in a dialect of its own if `api` says so."""

    def __init__(self, step: str, name: str, models: Mapping[str, tuple[Model, ...]], api: str = "") -> None:
        self.name = name
        chain = models[name]
        for model in chain:
            _check(name, model, api)
        if api:
            chain = tuple(one.model_copy(update={"api": api}) for one in chain)
        self._simpler = not api and chain[0].json_mode != "object"
        simple = tuple(one.model_copy(update={"json_mode": "object"}) for one in chain)
        self._ways = Asking(step, chain, via=name), Asking(step, simple, via=name)  # it may not know schemas

    async def ask(
        self,
        asked: Conversation,
        key: str,
        call: Call,
        read_text: Callable[[str], _Read],
        sent: list[Request],
    ) -> _Read:
        """What `read_text` makes of its answer; what is sent for it is added to `sent`. Raises `Fault`."""
        why, known, mine = "", True, list[Request]()
        for number, way in enumerate(self._ways):
            request = way.request(_again(asked, why) if why else asked, key)
            sent.append(request)
            mine.append(request)
            try:
                reply = await call(request)
                answer, known = read(reply), known and reply.known
            except Unanswered:
                raise
            except Fault as fault:
                if fault.fate is Fate.STOP:
                    raise
                if fault.fate is Fate.FAIL and self._simpler and not number:
                    continue
                said = f"the model '{self.name}' could not be asked about the answer: {fault.message}"
                raise fault.but(kind=NOT_JUDGED, message=said) from None
            try:
                if broken := finish.broken(answer, ()):
                    raise UnusableError(f"Your answer was not usable: {broken[1].partition(';')[0]}.")
                return read_text(answer.text)
            except UnusableError as error:
                why = str(error)
        what = f"no answer of the model '{self.name}' about this one could be used: {to_a_person(why)}"
        raise rejected(NOT_JUDGED, what).but(requests=tuple(mine), known=known)


def _check(name: str, model: Model, api: str) -> None:
    able = adapters.load("providers", model.provider).CAPABILITIES.apis
    if api and api not in able:
        what = f"the model '{name}' cannot be asked here: its provider does not speak '{api}'"
        raise JobError(what, hint=f"it speaks {', '.join(able)}")
    if not api and model.api not in CHAT:
        raise JobError(f"the model '{name}' only translates: it cannot judge", hint="name another model")


def _again(asked: Conversation, why: str) -> Conversation:
    """The question with what was wrong with the first answer."""
    (role, content), *_ = reversed(asked.turns)
    told = f"{content}\n\nAn earlier answer of yours could not be used: {why}"
    return replace(asked, turns=(*asked.turns[:-1], (role, told)))


def fitting(shape: Shape, text: str) -> Mapping[str, Any]:
    """The JSON object in an answer; `UnusableError` where it does not fit."""
    value, misfit = shape.read(text)
    if misfit:
        raise UnusableError(misfit)
    found: Mapping[str, Any] = value
    return found


def shown(text: str) -> str:
    """What a model said, as one short line."""
    line = " ".join(text.encode("utf-8", "replace").decode().split())
    return line if len(line) <= _LONGEST else f"{line[: _LONGEST - 1]}…"
