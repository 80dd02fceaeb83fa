"""Responses: `POST /responses`, OpenAI's newer dialect."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pipeline.core.domain import NO_TOKENS, Answer
from pipeline.wire.apis._json import joined, mapping, parse, usage, word
from pipeline.wire.conversation import Conversation

_REASONS = {"max_output_tokens": "length", "max_tokens": "length", "content_filter": "content_filter"}


def body(model: str, asked: Conversation, params: Mapping[str, Any]) -> dict[str, Any]:
    """The request's body; `params` come last, so they may replace anything but the input."""
    turns = [{"role": role, "content": content} for role, content in asked.turns]
    built: dict[str, Any] = {"model": model, "input": turns, "store": False}
    if asked.system:
        built["instructions"] = asked.system
    if asked.schema is not None:
        form = {"type": "json_schema", "name": asked.name, "strict": True, "schema": asked.schema}
        params = {**params, "text": {**mapping(params.get("text")), "format": form}}
    return built | dict(params) | {"input": turns}


def read(raw: bytes, *, tokens: bool = True) -> Answer:
    """What the reply says; a `Fault` where it is no response."""
    reply = parse(raw)
    output = reply.get("output")
    texts: list[str] = []
    refusals: list[str] = []
    for item in output if isinstance(output, list) else []:
        content = mapping(item).get("content")
        texts.append(joined(content, "text"))
        refusals.append(joined(content, "refusal"))
    return Answer(
        text="".join(texts),
        finish_reason=_finish_reason(reply),
        refusal="".join(refusals),
        model=word(reply.get("model")),
        usage=usage(reply.get("usage"), "input_tokens", "output_tokens") if tokens else NO_TOKENS,
        tier=word(reply.get("service_tier")),
    )


def _finish_reason(reply: Mapping[str, Any]) -> str:
    status = word(reply.get("status"), "completed")
    if status == "completed":
        return "stop"
    reason = word(mapping(reply.get("incomplete_details")).get("reason"), status)
    return _REASONS.get(reason, reason)
