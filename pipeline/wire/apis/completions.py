"""Legacy completions: `POST /completions`, for base models and older servers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pipeline.core.domain import NO_TOKENS, Answer
from pipeline.wire.apis._json import answer_of, choice_of, parse, text_of, thoughts, usage
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
    choice = choice_of(reply, raw)
    counts = usage(reply.get("usage"), "prompt_tokens", "completion_tokens") if tokens else NO_TOKENS
    text, ended = text_of(choice.get("text")), choice.get("finish_reason")
    return answer_of(reply, raw, text, ended, reasoning=thoughts(choice, None), usage=counts)
