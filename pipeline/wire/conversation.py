"""What is asked, before it is put into a dialect, and the way into a `Request` and out of a `Reply`.

The body is serialised once, in the order it was built: these bytes are hashed and these bytes are sent.
The order of an answer schema's properties is part of them, because models write fields in that order;
the order in which parameters stand in a job file means nothing, so they are sorted.
This module knows the dialects by name only.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

import orjson

from pipeline.core import adapters
from pipeline.core.contracts import Api
from pipeline.core.domain import Answer, Fault, Reply, Request


@dataclass(frozen=True, slots=True)
class Conversation:
    """System text, turns of (role, content), and the JSON Schema the answer must have, if any.

    `translation` is (text, source language, target language) where the question is to translate a text:
    engines that take no prompt use it instead of the turns.
    """

    turns: tuple[tuple[str, str], ...]
    system: str = ""
    schema: Mapping[str, Any] | None = None
    name: str = "answer"
    translation: tuple[str, str, str] | None = None

    def answered(self, text: str, complaint: str) -> Conversation:
        """The same conversation one turn longer: what the model said, and what is wrong with it."""
        return replace(self, turns=(*self.turns, ("assistant", text), ("user", complaint)))


@lru_cache(maxsize=32)
def _dialect(api: str) -> Api:
    return adapters.load("apis", api)


def request(
    asked: Conversation, *, api: str, model: str, params: Mapping[str, Any], step: str, key: str
) -> Request:
    """The request for a conversation; a `Fault` where its text cannot be sent."""
    built = _dialect(api).body(model, asked, dict(sorted(params.items())))
    try:
        return Request(api, model, orjson.dumps(built), step, key)
    except (TypeError, ValueError) as error:
        raise Fault("bad_text", f"the prompt cannot be sent: {error}") from None


def read(reply: Reply) -> Answer:
    """What a reply says, in its own dialect; a `Fault` where it cannot be read."""
    return reply.answer or _dialect(reply.api).read(reply.body)
