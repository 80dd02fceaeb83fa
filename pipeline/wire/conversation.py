"""A question before it is put into a dialect; how it becomes a `Request`, and how a `Reply` is read.

The body is serialised once, in the order it was built: these bytes are hashed and these bytes are sent.
The order of an answer schema's properties is part of them, because models write fields in that order;
the order in which parameters stand in a job file means nothing, so they are sorted.
This module knows the dialects by name only.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import lru_cache
from hashlib import sha256
from typing import Any

import orjson

from pipeline.core import adapters
from pipeline.core.contracts import Api
from pipeline.core.domain import Answer, Fault, Media, Reply, Request, frozen
from pipeline.wire import kept


@frozen
class Conversation:
    """System text, turns of (role, content), and the JSON Schema the answer must have, if any.

    `translation` is (text, source language, target language) where the question is to translate a text:
    engines that take no prompt use it instead of the turns. `questions` are what is asked about the turns in
    the dialect of decisions, in its own form. `draw` is the request's. The first `given` turns are the
    step's, and those behind them are repairs. `media` belong to the last turn that is given.
    """

    turns: tuple[tuple[str, str], ...]
    system: str = ""
    schema: Mapping[str, Any] | None = None
    name: str = "answer"
    translation: tuple[str, str, str] | None = None
    draw: str = ""
    questions: tuple[Mapping[str, Any], ...] = ()
    given: int = 1
    media: tuple[Media, ...] = ()

    @property
    def spoken(self) -> Iterator[tuple[str, str, tuple[Media, ...]]]:
        """Role, text and media of each turn."""
        for place, (role, text) in enumerate(self.turns, 1):
            yield role, text, self.media if place == self.given else ()

    def answered(self, text: str, complaint: str) -> Conversation:
        """The same conversation one turn longer: what the model said, and what is wrong with it."""
        return replace(self, turns=(*self.turns, ("assistant", text), ("user", complaint)))

    @property
    def digest(self) -> str:
        """A few digits for what is asked, whichever model is asked and with whatever parameters."""
        schema = "" if self.schema is None else orjson.dumps(self.schema).decode()
        media = [(one.kind, one.mark, one.url) for one in self.media]
        said = repr((self.system, self.turns, schema, self.translation, *media))
        return sha256(said.encode("utf-8", "surrogatepass")).hexdigest()[:12]


@lru_cache(maxsize=32)
def _dialect(api: str) -> Api:
    return adapters.load("apis", api)


_SEEING = ("chat", "responses")
"""the dialects that have a place for pictures"""
_OBJECT: Mapping[str, dict[str, Any]] = {
    "chat": {"response_format": {"type": "json_object"}},
    "responses": {"text": {"format": {"type": "json_object"}}},
}
"""how each dialect asks for any JSON object"""


def _in_words(asked: Conversation) -> Conversation:
    """The conversation with its schema in the system text, for servers that know no `json_schema`."""
    schema = orjson.dumps(asked.schema).decode()
    words = f"Answer with one JSON object that fits this JSON Schema, and with nothing else:\n{schema}"
    return replace(asked, schema=None, system=f"{asked.system}\n\n{words}".lstrip())


class RequestBuilder:
    """Builds the requests of one step to one model; what they have in common is prepared once."""

    def __init__(
        self, api: str, model: str, params: Mapping[str, Any], step: str, json_mode: str = ""
    ) -> None:
        self._api, self._model, self._step = api, model, step
        self._params = dict(sorted(params.items()))
        self._form = _OBJECT.get(api) if json_mode == "object" else None
        self._body = _dialect(api).body

    def build(self, asked: Conversation, key: str, instead: Request | None = None) -> Request:
        """The request for a conversation; a `Fault` where its text cannot be sent."""
        params = self._params
        if self._form is not None and asked.schema is not None:
            asked, params = _in_words(asked), {**self._form, **params}
        if asked.media and self._api not in _SEEING:
            what = f"the dialect '{self._api}' takes no pictures and no sound: use api: chat"
            raise Fault("refused_by_provider", what)
        built = self._body(self._model, asked, params)
        try:
            body = orjson.dumps(built)
        except (TypeError, ValueError) as error:
            raise Fault("bad_text", f"the prompt cannot be sent: {error}") from None
        who = (self._api, self._model, body, self._step, key)
        turns = 1 + len(asked.turns) - asked.given
        return Request(*who, instead=instead, draw=asked.draw, turns=turns, media=asked.media)


def read(reply: Reply, *, tokens: bool = True) -> Answer:
    """What a reply says, in its own dialect; a `Fault` where it cannot be read.

    Without `tokens` they are not read: those of a reply from the journal have been counted already.
    """
    if reply.api == kept.KEPT:
        return kept.read(reply.body)
    return reply.answer or _dialect(reply.api).read(reply.body, tokens=tokens)
