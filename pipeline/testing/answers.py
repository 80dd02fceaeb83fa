"""What the fake model answers, in each dialect: always the same to the same request.

Tokens are counted as a quarter of the UTF-8 bytes of the prompt's text. This module does not know
faults, HTTP or files.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, TypeAlias

import orjson

from pipeline.core.domain import Usage
from pipeline.testing.instances import Schema, instance
from pipeline.testing.script import Script

Json: TypeAlias = dict[str, Any]

_ASKED = {
    "chat": "messages",
    "responses": "input",
    "completions": "prompt",
    "translation": "text",
    "decisions": "input",
    "moderations": "input",
}
"""where the prompt stands in a body, by dialect"""
APIS = tuple(_ASKED)
PATHS = {
    "/v1/chat/completions": "chat",
    **{f"/v1/{api}": api for api in APIS if api != "chat"},
}
"""the dialect at each path"""
_IN_NUMBERS = ("decisions", "moderations")
"""dialects whose answers are no text"""
CREATED = 1_767_225_600  # the time in every answer: 2026-01-01, so that answers do not depend on the time
_FILLER = "and so it goes on, word after word, "
_LIMITS = ("max_completion_tokens", "max_output_tokens", "max_tokens")


@dataclass(frozen=True, slots=True)
class Question:
    """What a body asks: `last` is the last user message, `limit` the most output tokens (None: any)."""

    api: str
    model: str
    last: str
    input: int
    schema: Schema | bool | None
    limit: int | None
    target: str = ""
    tier: str = ""


@dataclass(frozen=True, slots=True)
class Said:
    """An answer before it is put into a dialect, and its usage. `told`: whether the answer tells it."""

    text: str | None
    model: str
    usage: Usage
    finish_reason: str = "stop"
    refusal: str = ""
    tier: str = ""
    told: bool = True


def tokens_in(text: str) -> int:
    """The size of a text in this model's tokens."""
    return -(-len(text.encode(errors="replace")) // 4)


def read(api: str, body: bytes) -> Question:
    """The question in a body; ValueError says what is wrong with it."""
    asked = orjson.loads(body)
    if not isinstance(asked, dict) or not isinstance(asked.get("model"), str):
        raise ValueError("the body must be a JSON object with a 'model'")
    if asked.get("stream"):
        raise ValueError("the scripted model does not stream")
    texts = _texts(api, asked)
    if not texts:
        raise ValueError("the body asks nothing")
    limit = next((asked[name] for name in _LIMITS if isinstance(asked.get(name), int)), None)
    last = texts[-1][1] if api != "chat" else _last_user(texts)
    size, schema = sum(tokens_in(text) for _, text in texts), _schema(api, asked)
    target, tier = str(asked.get("target", "")), _tier(asked.get("service_tier"))
    return Question(api, asked["model"], last, size, schema, limit, target, tier)


def _tier(asked: Any) -> str:
    """The service tier that serves a request which asks for this one; "" where it asks for none."""
    return asked if isinstance(asked, str) and asked != "auto" else ""


def _texts(api: str, asked: Json) -> list[tuple[str, str]]:
    instructions = asked.get("instructions") if api == "responses" else None
    return ([("system", instructions)] if instructions else []) + _messages(asked.get(_ASKED[api]))


def _messages(given: Any) -> list[tuple[str, str]]:
    if isinstance(given, str):
        return [("user", given)]
    if not isinstance(given, list):
        raise ValueError("the prompt must be a text or a list of messages")
    return [_message(one) for one in given]


def _message(given: Any) -> tuple[str, str]:
    if isinstance(given, str):
        return "user", given
    if not isinstance(given, dict):
        raise ValueError("a message must be an object")
    content = given.get("content")
    if isinstance(content, list):
        content = "".join(str(part.get("text", "")) for part in content if isinstance(part, dict))
    return str(given.get("role", "user")), content if isinstance(content, str) else ""


def _last_user(texts: list[tuple[str, str]]) -> str:
    return next((text for role, text in reversed(texts) if role == "user"), texts[-1][1])


def _schema(api: str, asked: Json) -> Schema | bool | None:
    """The JSON schema the answer must obey, None for plain text."""
    if api == "responses":
        text = asked.get("text")
        form = text.get("format") if isinstance(text, dict) else None
    else:
        form = asked.get("response_format")
    if not isinstance(form, dict):
        return None
    if form.get("type") == "json_object":
        return {"type": "object", "properties": {"answer": {"type": "string"}}, "required": ["answer"]}
    if form.get("type") != "json_schema":
        return None
    inner = form.get("json_schema", form)
    schema: Schema | bool = inner.get("schema", True) if isinstance(inner, dict) else True
    return schema


def answer(script: Script, question: Question, digest: bytes) -> Said:
    """What the model says to a question; ValueError where its schema cannot be obeyed."""
    text = _fixed(script, question)
    if text is None:
        text = _sentence(question, digest)
        if question.schema is not None:
            text = orjson.dumps(instance(question.schema, text)).decode()
        elif script.tokens:
            text = _padded(text, script.tokens)
    output = script.tokens or max(1, tokens_in(text))
    reasoning, finish_reason = script.reasoning, "stop"
    if question.limit is not None and output + reasoning > question.limit:
        reasoning = min(reasoning, question.limit)  # reasoning uses up the limit first
        output, finish_reason = question.limit - reasoning, "length"
        text = text.encode()[: 4 * output].decode(errors="ignore")
    cached, written = int(script.cached * question.input), int(script.cache_written * question.input)
    usage = Usage(question.input, output + reasoning, cached, written, reasoning)
    tier = question.tier if script.tier is None else script.tier
    return Said(text, question.model, usage, finish_reason, tier=tier, told=script.usage)


def _fixed(script: Script, question: Question) -> str | None:
    if isinstance(script.answer, dict):
        return next((text for part, text in script.answer.items() if part in question.last), None)
    return script.answer


def _sentence(question: Question, digest: bytes) -> str:
    if question.api in _IN_NUMBERS:
        raise ValueError(
            f"the scripted model has no numbers of its own for {question.api}: script its answer"
        )
    if question.api == "translation":
        return f"[{question.target} {digest.hex()[:8]}] {question.last}"
    return f"Answer {digest.hex()[:8]} to: {question.last[:60]}"


def _padded(text: str, tokens: int) -> str:
    lacking = 4 * tokens - len(text.encode()) - 1
    if lacking <= 0:
        return text
    return f"{text} {(_FILLER * (lacking // len(_FILLER) + 1))[:lacking]}"


def body_of(api: str, digest: bytes, said: Said) -> bytes:
    """The answer in its dialect."""
    return orjson.dumps(_SHAPES[api](digest.hex()[:24], said))


def _chat(ident: str, said: Said) -> Json:
    message: Json = {"role": "assistant", "content": said.text, "refusal": said.refusal or None}
    choice = {"index": 0, "message": message, "logprobs": None, "finish_reason": said.finish_reason}
    said_any = said.text is not None or bool(said.refusal)
    return _completed(f"chatcmpl-{ident}", "chat.completion", said, [choice] if said_any else [])


def _completions(ident: str, said: Said) -> Json:
    choice = {"index": 0, "text": said.text, "logprobs": None, "finish_reason": said.finish_reason}
    return _completed(f"cmpl-{ident}", "text_completion", said, [choice] if said.text is not None else [])


def _completed(ident: str, kind: str, said: Said, choices: list[Json]) -> Json:
    whole = {"id": ident, "object": kind, "created": CREATED, "model": said.model, "choices": choices}
    return whole | _bill(said, "prompt_tokens", "completion_tokens")


def _responses(ident: str, said: Said) -> Json:
    reasons = {"length": "max_output_tokens", "content_filter": "content_filter"}
    reason = reasons.get(said.finish_reason)
    status = "incomplete" if reason else "completed"
    content: Json = {"type": "output_text", "text": said.text, "annotations": []}
    if said.refusal:
        content = {"type": "refusal", "refusal": said.refusal}
    message: Json = {"id": f"msg_{ident}", "type": "message", "role": "assistant", "status": status}
    message["content"] = [content]
    return {
        "id": f"resp_{ident}",
        "object": "response",
        "created_at": CREATED,
        "status": status,
        "error": None,
        "incomplete_details": {"reason": reason} if reason else None,
        "model": said.model,
        "output": [message] if said.text is not None or said.refusal else [],
        **_bill(said, "input_tokens", "output_tokens"),
    }


def _translation(ident: str, said: Said) -> Json:
    text = {} if said.text is None else {"text": said.text}
    return {**text, "model": said.model, "engine": "scripted"}


def _decisions(ident: str, said: Said) -> Json:
    """The answers to the questions, which the script gives as a JSON list."""
    return {"answers": orjson.loads(said.text or "[]"), "model": said.model} | _bill(
        said, "input_tokens", "output_tokens"
    )


def _moderations(ident: str, said: Said) -> Json:
    """The scores of the categories, which the script gives as a JSON object."""
    scores = orjson.loads(said.text or "{}")
    result = {"flagged": False, "categories": {}, "category_scores": scores}
    return {"id": f"modr-{ident}", "model": said.model, "results": [result]}


_SHAPES = {
    "chat": _chat,
    "responses": _responses,
    "completions": _completions,
    "translation": _translation,
    "decisions": _decisions,
    "moderations": _moderations,
}


def _bill(said: Said, input_name: str, output_name: str) -> Json:
    """The service tier and the tokens, if the answer tells them."""
    bill: Json = {"service_tier": said.tier} if said.tier else {}
    if said.told:
        used = said.usage
        bill["usage"] = {
            input_name: used.input,
            output_name: used.output,
            "total_tokens": used.input + used.output,
            f"{input_name}_details": {"cached_tokens": used.cached, "cache_write_tokens": used.cache_written},
            f"{output_name}_details": {"reasoning_tokens": used.reasoning},
        }
    return bill
