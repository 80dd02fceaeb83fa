"""Chat completions: `POST /chat/completions`, spoken by nearly every server."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pipeline.core.domain import NO_TOKENS, Answer, Media
from pipeline.wire.apis._json import answer_of, choice_of, joined, mapping, parse, text_of, thoughts, usage
from pipeline.wire.apis._media import is_picture, place_of
from pipeline.wire.conversation import Conversation


def body(model: str, asked: Conversation, params: Mapping[str, Any]) -> dict[str, Any]:
    """The request's body; `params` come last, so they may replace anything but the messages."""
    messages: list[dict[str, Any]] = [
        {"role": role, "content": _content(text, media)} for role, text, media in asked.spoken
    ]
    if asked.system:
        messages.insert(0, {"role": "system", "content": asked.system})
    built: dict[str, Any] = {"model": model, "messages": messages}
    if asked.schema is not None:
        form = {"name": asked.name, "strict": True, "schema": asked.schema}
        built["response_format"] = {"type": "json_schema", "json_schema": form}
    return built | dict(params) | {"messages": messages}


def read(raw: bytes, *, tokens: bool = True) -> Answer:
    """What the reply says; a `Fault` where it is no chat completion."""
    reply = parse(raw)
    choice = choice_of(reply, raw)
    message = mapping(choice.get("message") or choice.get("delta"))
    content = message.get("content") or choice.get("text")  # some servers speak half of another dialect
    return answer_of(
        reply,
        raw,
        text_of(content),
        choice.get("finish_reason"),
        reasoning=thoughts(message, content),
        refusal=text_of(message.get("refusal")) or joined(content, "refusal"),
        usage=usage(reply.get("usage"), "prompt_tokens", "completion_tokens") if tokens else NO_TOKENS,
    )


def _content(text: str, media: tuple[Media, ...]) -> str | list[dict[str, Any]]:
    if not media:
        return text
    return [{"type": "text", "text": text}, *map(_part, media)]


def _part(one: Media) -> dict[str, Any]:
    if is_picture(one):
        detail = {"detail": one.detail} if one.detail else {}
        return {"type": "image_url", "image_url": {"url": place_of(one), **detail}}
    sound = {"data": place_of(one), "format": one.kind.removeprefix("audio/")}
    return {"type": "input_audio", "input_audio": sound}
