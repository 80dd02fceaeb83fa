"""What the walk needs of every kind of step, and what all kinds share: asking until an answer is accepted.

A complaint is sent to the model as the repair prompt: the same conversation, one turn longer. This
module does not know what the question is.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import replace
from typing import Any, Protocol

from pipeline.answers import finish
from pipeline.answers.complaints import to_a_person
from pipeline.answers.finish import Allowed
from pipeline.answers.shape import Shape
from pipeline.core import adapters
from pipeline.core.domain import Answer, Call, Fault, Rejected, Request, Values, frozen
from pipeline.job.spec import Model
from pipeline.templates.template import Template
from pipeline.wire.conversation import Conversation, RequestBuilder, read
from pipeline.wire.reasoning import apart
from pipeline.wire.words import MALFORMED

_MALFORMED = "Your answer was not accepted by the server: it is not what was asked for. Write it again."
_NOTHING = "(nothing)"
"""the model's turn where the server shows nothing that it wrote, because servers refuse an empty one"""
Judge = Callable[[str], tuple[Any, str]]
"""An answer's text -> (value, complaint); the complaint is '' where it is accepted."""


@frozen
class Taken:
    """A step's value, and the label of the model that wrote it; '' where none was needed.

    `known` says that the journal had it, and nothing was sent for it.
    """

    value: Any
    by: str = ""
    known: bool = True


Earlier = Callable[[str, str], Mapping[str, str]]
"""A document and a language -> the sources and translations of its segments that were published last."""


class Templates(Protocol):
    """The templates and files that a step names, by the key of the job file."""

    earlier: Earlier

    def __call__(self, dotted: str) -> Template:
        """The template under a key: "translate.text"."""

    def file(self, dotted: str, name: str) -> tuple[str, str]:
        """(path as shown, content) of a text file that the key names, relative to the job file."""


class Runner(Protocol):
    """A step, ready to run."""

    templates: Mapping[str, Template]  # its templates by the key of the job file
    shape: Shape | None  # the shape of its answers, None for text
    repairs: int  # how often an answer can be sent back with a complaint
    documents: bool  # whether it translates documents: then its value is a `core.document.Translated`

    async def take(self, values: Values, key: str, call: Call) -> Taken:
        """The step's value for one branch; raises `Fault`."""

    def first_request(self, values: Values, key: str) -> Request:
        """The request it begins with, without sending it; raises `Fault`."""


class _Asked:
    """One model that a step asks: how its requests are made, and what it is called."""

    def __init__(self, model: Model, step: str) -> None:
        provider = adapters.load("providers", model.provider)
        self.name = model.model
        self.label = provider.label(model)
        self._model = model
        self._objection = provider.objection
        self._cannot_translate = provider.CAPABILITIES.cannot_translate
        self._builder = RequestBuilder(model.api, model.model, model.params, step, model.json_mode)

    def request(self, asked: Conversation, key: str, instead: Request | None) -> Request:
        built = self._builder.build(asked, key, instead)
        unable = self._cannot_translate if asked.translation else ""
        objection = unable or self._objection(built, self._model)
        if objection:
            raise Fault("refused_by_provider", objection)
        return built


class Asking:
    """How one step's models are asked: its model and, after it, its fallback models in order."""

    def __init__(
        self, step: str, models: tuple[Model, ...], allow: Collection[Allowed] = (), repairs: int = 0
    ) -> None:
        self.allow = allow
        self.repairs = repairs
        self._first, *others = (_Asked(model, step) for model in models)
        self._others = others[::-1]
        self.labels: Mapping[str, str] = {one.name: one.label for one in (*self._others, self._first)}

    def request(self, asked: Conversation, key: str) -> Request:
        """The conversation as a request; a `Fault` where the provider could never serve it."""
        instead: Request | None = None
        for other in self._others:
            instead = other.request(asked, key, instead)
        return self._first.request(asked, key, instead)

    def label(self, model: str) -> str:
        """What the result says an answer of this model came from."""
        return self.labels.get(model, self._first.label)

    async def ask(self, asked: Conversation, key: str, call: Call, judge: Judge) -> Taken:
        """Ask, and ask again with the complaint, until an answer is accepted or the repairs are used up."""
        requests: list[Request] = []
        known = True
        for repair in range(self.repairs + 1):
            requests.append(self.request(asked, key))
            reply = await call(requests[-1])
            known = known and reply.known
            answer = _meant(read(reply), asked)
            broken = finish.broken(answer, self.allow)
            if broken:
                raise _rejected(*broken, requests, known)
            value, complaint = judge(_whole(answer.text).strip())
            malformed = answer.finish_reason == MALFORMED
            if malformed and (asked.schema is None or not answer.text):
                complaint = _MALFORMED
            if not complaint:
                return Taken(value, self.label(reply.model), known)
            if repair < self.repairs:
                asked = asked.answered(answer.text if answer.text or not malformed else _NOTHING, complaint)
        raise _rejected("rejected", to_a_person(complaint), requests, known)


def _meant(answer: Answer, asked: Conversation) -> Answer:
    """The answer; with its block of reasoning, where the text to translate begins with one."""
    if answer.said and asked.translation and apart(asked.translation[0]):
        return replace(answer, text=answer.said, reasoning="")
    return answer


def _whole(text: str) -> str:
    """The text without lone surrogates: no file could hold them, and no later request could carry them."""
    return text if text.isascii() else text.encode("utf-8", "replace").decode()


def _rejected(kind: str, message: str, requests: list[Request], known: bool) -> Rejected:
    line = " ".join(message.split())  # a model's words must not look like lines of ours
    return Rejected(kind, line, requests=tuple(requests), known=known)
