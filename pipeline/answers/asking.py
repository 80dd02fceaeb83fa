"""What the walk needs of every kind of step, and how a step's models are asked.

Asking until an answer is accepted is in `attempts.py`. This module does not know what the question is.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, Protocol

from pipeline.answers.finish import Allowed
from pipeline.answers.shapes.shape import Shape
from pipeline.answers.written import Complaint, Told
from pipeline.core import adapters
from pipeline.core.domain import Answer, Call, Fault, Rejected, Request, Values, frozen
from pipeline.job.models import Model
from pipeline.templates.template import Template
from pipeline.wire.conversation import Conversation, RequestBuilder
from pipeline.wire.reasoning import apart


@frozen
class Taken:
    """A step's value, and the label of the model that wrote it; '' where none was needed.

    `known` says that the journal had it, and nothing was sent for it.
    """

    value: Any
    by: str = ""
    known: bool = True
    soft: tuple[Complaint, ...] = ()
    """what soft checks say of it"""
    requests: tuple[Request, ...] = ()
    """all that were sent for it, those of judges too, in their order; () where the step does not say"""


BY_HAND = "by hand"
"""the label of an answer that a person wrote or accepted"""
Earlier = Callable[[str, str], Mapping[str, str]]
"""A document and a language -> the sources and translations of its segments that were published last."""


class Templates(Protocol):
    """The templates and files that a step names, by the key of the job file."""

    earlier: Earlier
    told: Told
    each: tuple[str, ...]
    """the values that name a row at this step: those of `each` up to here, and the number of an item"""
    own: Mapping[str, Any]
    """the checks of the job's plugins by name"""
    folder: Path
    """the folder that paths are relative to"""
    untrusted: bool
    """whether the job may read files of this folder only"""

    def at(self, *path: str | int) -> Template:
        """The template at a path below the step: ("checks", "post.text", "length", "min")."""

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

    def first_request(self, values: Values, key: str) -> Request | None:
        """The request it begins with, without sending it; None where it sends none; raises `Fault`."""


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
    """How one model is asked, and its fallback models in order.

    `via` is its name in the job, where it is not the step's own.
    """

    def __init__(
        self, step: str, models: tuple[Model, ...], allow: Collection[Allowed] = (), via: str = ""
    ) -> None:
        self.allow = allow
        self._via = via
        self._first, *others = (_Asked(model, step) for model in models)
        self._others = others[::-1]
        self.labels: Mapping[str, str] = {one.name: one.label for one in (*self._others, self._first)}

    def request(self, asked: Conversation, key: str) -> Request:
        """The conversation as a request; a `Fault` where the provider could never serve it."""
        instead: Request | None = None
        for other in self._others:
            instead = other.request(asked, key, instead)
        request = self._first.request(asked, key, instead)
        return replace(request, via=self._via) if self._via else request

    def label(self, model: str) -> str:
        """What the result says an answer of this model came from."""
        return self.labels.get(model, self._first.label)


def meant(answer: Answer, asked: Conversation) -> Answer:
    """The answer; with its block of reasoning, where the text to translate begins with one."""
    if answer.said and asked.translation and apart(asked.translation[0]):
        return replace(answer, text=answer.said, reasoning="")
    return answer


def whole(text: str) -> str:
    """The text without lone surrogates: no file could hold them, and no later request could carry them."""
    return text if text.isascii() else text.encode("utf-8", "replace").decode()


def rejected(kind: str, message: str) -> Rejected:
    """The fault of answers that were paid for; whoever raises it adds the requests."""
    line = " ".join(message.split())  # a model's words must not look like lines of ours
    return Rejected(kind, line, requests=(), known=True)


async def or_by_hand(
    told: Told,
    step: str,
    place: str,
    asked: Conversation,
    reading: tuple[Callable[[str], str], Callable[[str], Taken]],
    ask: Callable[[], Awaitable[Taken]],
) -> Taken:
    """The text that a person decided on; else what `ask` brings.

    `reading` says why a text cannot be an answer ('' where it can), and makes the step's value of it.
    """
    misfit, read = reading
    text = told.by_hand(step, place, asked, misfit)
    if text is not None:
        return read(text)
    try:
        return await ask()
    except Rejected as fault:
        raise fault.but(place=place, asked=asked.digest) from None


def no_misfit(text: str) -> str:
    """Any text by a person can be an answer."""
    return ""
