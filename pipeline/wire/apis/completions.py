"""Legacy completions: `POST /completions`, for base models and older servers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pipeline.core.domain import NO_TOKENS, Answer
from pipeline.wire.apis._json import mapping, parse, text_of, usage, word
from pipeline.wire.conversation import Conversation


def body(model: str, asked: Conversation, params: Mapping[str, Any]) -> dict[str, Any]:
    """The request's body: the whole conversation as one text. A schema is checked, not enforced."""
    texts = [asked.system] if asked.system else []
    texts += [content for _, content in asked.turns]
    prompt = {"prompt": "\n\n".join(texts)}
    return {"model": model} | dict(params) | prompt


def read(raw: bytes, *, tokens: bool = True) -> Answer:
    """What the reply says; a `Fault` where it is no completion."""
    reply = parse(raw)
    choices = reply.get("choices")
    choice = mapping(choices[0]) if isinstance(choices, list) and choices else {}
    return Answer(
        text=text_of(choice.get("text")),
        finish_reason=word(choice.get("finish_reason"), "stop" if choice else "none"),
        model=word(reply.get("model")),
        usage=usage(reply.get("usage"), "prompt_tokens", "completion_tokens") if tokens else NO_TOKENS,
        tier=word(reply.get("service_tier")),
    )
