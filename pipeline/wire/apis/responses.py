"""Responses: `POST /responses`, OpenAI's newer dialect."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pipeline.core.domain import NO_TOKENS, Answer, Fault, Media
from pipeline.wire.apis import _json
from pipeline.wire.apis._json import is_reasoning, joined, mapping, reasoning_of, text_of
from pipeline.wire.apis._media import is_picture, place_of
from pipeline.wire.conversation import Conversation
from pipeline.wire.inside import no_answer


def body(model: str, asked: Conversation, params: Mapping[str, Any]) -> dict[str, Any]:
    """The request's body; `params` come last, so they may replace anything but the input."""
    turns = [_item(*turn) for turn in asked.spoken]
    built: dict[str, Any] = {"model": model, "input": turns, "store": False}
    if asked.system:
        built["instructions"] = asked.system
    if asked.schema is not None:
        form = {"type": "json_schema", "name": asked.name, "strict": True, "schema": asked.schema}
        params = {**params, "text": {**mapping(params.get("text")), "format": form}}
    return built | dict(params) | {"input": turns}


def read(raw: bytes, *, tokens: bool = True) -> Answer:
    """What the reply says; a `Fault` where it is no response."""
    reply = _json.parse(raw)
    output = reply.get("output")
    texts: list[str] = []
    refusals: list[str] = []
    thoughts: list[str] = []
    ended = mapping(reply.get("incomplete_details")).get("reason") or reply.get("status")
    for item in map(mapping, output if isinstance(output, list) else ()):
        content = item.get("content")
        if is_reasoning(item):
            thoughts.append(reasoning_of(item.get("summary")) or reasoning_of(content))
        elif item.get("phase") == "commentary":  # what the model says to itself between two tools
            thoughts.append(text_of(content))
        elif _is_said(item):
            texts.append(text_of(content))
            refusals.append(joined(content, "refusal"))
            if item.get("status") == "incomplete" and ended in (None, "completed"):
                ended = "incomplete"
    text = "".join(texts) or _json.word(reply.get("output_text"))
    if not isinstance(output, list) and not text:
        raise no_answer(reply, raw)
    return _json.answer_of(
        reply,
        raw,
        text,
        ended,
        reasoning="\n".join(thoughts),
        refusal="".join(refusals),
        usage=_json.usage(reply.get("usage"), "input_tokens", "output_tokens") if tokens else NO_TOKENS,
    )


def _is_said(item: dict[str, Any]) -> bool:
    """Whether an item is what the model said: not the question sent back, nor what a tool said."""
    role, kind = item.get("role"), item.get("type")
    return role == "assistant" or (role is None and kind in (None, "message"))


def _item(role: str, text: str, media: tuple[Media, ...]) -> dict[str, Any]:
    """One item of the input: a model's own turn in the form that servers give it, others in the short form.

    llama.cpp takes a model's turn in no other form.
    """
    if role == "assistant":
        return {"type": "message", "role": role, "content": [{"type": "output_text", "text": text}]}
    if not media:
        return {"role": role, "content": text}
    return {"role": role, "content": [{"type": "input_text", "text": text}, *map(_part, media)]}


def _part(one: Media) -> dict[str, Any]:
    if not is_picture(one):
        raise Fault("refused_by_provider", "the dialect 'responses' takes no sound: use api: chat")
    return {"type": "input_image", "image_url": place_of(one), "detail": one.detail or "auto"}
