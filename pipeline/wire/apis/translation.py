"""Translation: the dialect of engines that translate a text and take no prompt."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pipeline.core.domain import Answer
from pipeline.core.errors import JobError
from pipeline.wire.apis._json import parse, word
from pipeline.wire.conversation import Conversation
from pipeline.wire.faults import unreadable


def body(model: str, asked: Conversation, params: Mapping[str, Any]) -> dict[str, Any]:
    """The request's body: the text, its two languages, and `params`, which replace none of them."""
    if asked.translation is None:
        raise JobError(f"the model '{model}' only translates", hint="use it in a step with `translate:`")
    text, source, target = asked.translation
    return {"model": model} | dict(params) | {"text": text, "source": source, "target": target}


def read(raw: bytes, *, tokens: bool = True) -> Answer:
    """What the reply says; a `Fault` where it has no text."""
    reply = parse(raw)
    if not isinstance(reply.get("text"), str):
        raise unreadable("the reply has no text", raw)
    return Answer(text=reply["text"], model=word(reply.get("model")))
