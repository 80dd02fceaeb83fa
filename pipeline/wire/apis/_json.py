"""What all dialects share: reading a body that may hold anything.

Whatever a server sends, reading it raises nothing but a `Fault`. This module knows no dialect.
"""

from __future__ import annotations

import json
import re
from typing import Any

import orjson

from pipeline.core.domain import NO_TOKENS, Answer, Usage
from pipeline.wire import stream
from pipeline.wire.faults import error_reply, is_page, unreadable
from pipeline.wire.inside import broken_off, denied, failed_generation, no_answer, refused, says_success
from pipeline.wire.reasoning import apart, trimmed
from pipeline.wire.words import LENGTH, MALFORMED, REASONING, REASONING_PARTS, SERVER_FAULT, STOP, finish_of

_LARGEST_COUNT = 1 << 26
_CACHED, _CACHE_WRITTEN = "cached_tokens", "cache_write_tokens"
"""OpenAI's names, in the details of the input tokens"""
_CACHED_BESIDE = ("prompt_cache_hit_tokens", "cache_read_input_tokens", "cached_tokens")
"""the names of DeepSeek, Anthropic and Moonshot, beside the total"""
_CACHE_WRITTEN_BESIDE = ("cache_creation_input_tokens",)
_BESIDE = frozenset((*_CACHED_BESIDE, *_CACHE_WRITTEN_BESIDE))
MOST_VALUES = 400_000  # the most values in one body: one of two bytes takes some sixty bytes of memory
_FEW = 2 * MOST_VALUES  # a body of at most so many bytes cannot have more values than that
_THOUGHTS = ("thinking", "reasoning", "content", "summary", "text")
"""where a part that holds reasoning has it: the first that says something counts"""
_LENIENT = 2 << 20  # the largest body, in bytes, that the standard parser may read
_SAID_ONCE = re.compile(
    rb'"(?:choices|message|content|output|text|finish_reason'
    rb'|usage|(?:prompt|completion|input|output|total|reasoning)_tokens)"'
)
"""a body that has one of these names twice is checked for double keys"""


def parse(body: bytes) -> dict[str, Any]:
    """The JSON object in a body; an `unreadable` fault for anything else."""
    if len(body) > _FEW and body.count(b",") + body.count(b"[") + body.count(b"{") > MOST_VALUES:
        raise unreadable(f"the reply is {len(body):,} bytes of small values, which is not an answer", body)
    parsed = stream.whole(body) if body[:1] != b"{" and stream.is_stream(body) else _object(body)
    if not isinstance(parsed, dict):
        raise unreadable(f"the reply is not a JSON object ({_looks(body)})", body)
    error = _error_in(parsed)
    if not error:
        return parsed
    if (written := failed_generation(body)) is not None:
        return _malformed(written)
    raise error_reply(body) or refused(error, body)


def _object(body: bytes) -> Any:
    try:
        parsed = orjson.loads(body)
        names = _SAID_ONCE.findall(body) if len(body) <= _LENIENT else ()
        if len(names) > len(set(names)):
            return _without_twins(body)
    except ValueError as wrong:
        if "memory" in str(wrong):  # the parser says so in words; the reply may be a good one
            raise MemoryError from None
        lines = stream.lines(body)
        return _lenient(body) if lines is None else lines
    return parsed


def _error_in(parsed: dict[str, Any]) -> Any:
    """The error in a reply, in any form that servers use; a false value where there is none."""
    answered = "choices" in parsed or "output" in parsed or "text" in parsed
    error = parsed.get("error")
    if error or parsed.get("object") == "error":
        return None if answered and says_success(error) else error or parsed
    return None if answered else parsed.get("errors") or parsed.get("detail")


def _malformed(written: str) -> dict[str, Any]:
    """A reply in all dialects at once, for what the model wrote and the server did not take."""
    choice = {"message": {"content": written}, "text": written, "finish_reason": MALFORMED}
    item = {"type": "message", "content": [{"type": "output_text", "text": written}]}
    return {"choices": [choice], "status": MALFORMED, "output": [item], "text": written}


def choice_of(reply: dict[str, Any], body: bytes) -> dict[str, Any]:
    """The first choice of a reply; a `Fault` where there is none, or an error in its place."""
    choices = reply.get("choices")
    choice = choices[0] if isinstance(choices, list) and choices else None
    if isinstance(choices, list) and mapping(choice).get("index"):  # they may stand in any order
        choice = next((one for one in choices if mapping(one).get("index") == 0), choice)
    if not isinstance(choice, dict) or not choice:
        raise no_answer(reply, body)
    said = mapping(choice.get("message") or choice.get("delta"))
    if error := choice.get("error") or (not said.get("content") and said.get("error")):
        raise refused(error, body)
    return choice


def answer_of(
    reply: dict[str, Any], body: bytes, text: str, ended: Any, *, reasoning: str = "", **more: Any
) -> Answer:
    """The answer of a dialect, without its reasoning; a `Fault` where the server broke it off."""
    finish = finish_of(ended)
    if finish == SERVER_FAULT:
        raise broken_off(ended, body)
    said = ""
    if parts := apart(text):
        said, reasoning, text = text, reasoning or parts.reasoning, parts.answer
        if not parts.whole and finish == STOP:
            finish = LENGTH
    text = trimmed(text)
    if fault := denied(reply, body):
        raise fault
    model, tier = word(reply.get("model")), word(reply.get("service_tier"))
    return Answer(text, finish, reasoning=reasoning, said=said, model=model, tier=tier, **more)


def _without_twins(body: bytes) -> Any:
    """Parsed, or refused where an object has a key twice: it is not known which value is meant."""
    try:
        return json.loads(body, object_pairs_hook=_distinct)
    except ValueError as error:
        raise unreadable(f"the reply is ambiguous: {error}", body) from None
    except RecursionError:
        raise unreadable("the reply is nested too deeply", body) from None


def _distinct(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """The object; without a count that occurs twice, because the answer beside it is clear, and paid."""
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        twice = {name for name in found if names.count(name) > 1}
        if not all(name == "usage" or name.endswith("_tokens") for name in twice):
            raise ValueError("a key occurs twice in one object")
        return {name: value for name, value in pairs if name not in twice}
    return found


def _lenient(body: bytes) -> Any:
    """Parsed by the standard parser, which takes lone surrogates, huge numbers and the BOM of UTF-8."""
    try:
        if len(body) <= _LENIENT:
            text = body.removeprefix(b"\xef\xbb\xbf").decode("utf-8", "surrogatepass")
            return json.loads(text, object_pairs_hook=_distinct)
    except (ValueError, RecursionError):
        pass
    raise unreadable(f"the reply is not JSON ({_looks(body)})", body)


def _looks(body: bytes) -> str:
    if not body[:200].strip():
        return "it is empty"
    if b"\0" in body[:8]:
        return "it is not UTF-8"
    return "it is an HTML page" if is_page(body) else f"{len(body)} bytes"


def mapping(value: Any) -> dict[str, Any]:
    """The value where it is a mapping, else an empty one."""
    return value if isinstance(value, dict) else {}


def text_of(content: Any) -> str:
    """The text of a message's content, which is a text, a part, or a list of both."""
    if isinstance(content, str):
        return content
    parts = [content] if isinstance(content, dict) else content
    if isinstance(parts, list):
        parts = [{"text": part} if isinstance(part, str) else part for part in parts]
    return joined(parts, "text")


def joined(content: Any, name: str) -> str:
    """What the parts of a content have under a name, `text` or `refusal`; '' where it has no parts."""
    if not isinstance(content, list):
        return ""
    return "".join(word(part.get(name)) for part in map(mapping, content) if not is_reasoning(part))


def thoughts(message: dict[str, Any], content: Any) -> str:
    """The reasoning that stands beside an answer, in a field of its own or in parts of its content."""
    for name in REASONING:
        if said := message.get(name):
            return reasoning_of(said)
    if isinstance(content, list):
        return reasoning_of([part for part in map(mapping, content) if is_reasoning(part)])
    return ""


def reasoning_of(content: Any) -> str:
    """The reasoning among the parts of a content, or in a field: a text, a part, or parts within parts."""
    if isinstance(content, str):
        return content
    parts = content if isinstance(content, list) else [content]
    found = []
    for part in map(mapping, parts):
        said = next((part[name] for name in _THOUGHTS if part.get(name)), "")
        inner = map(mapping, said if isinstance(said, list) else ())
        found.append(said if isinstance(said, str) else "".join(word(one.get("text")) for one in inner))
    return "\n".join(filter(None, found))


def is_reasoning(part: dict[str, Any]) -> bool:
    """Whether a part of a content, or an item of a response, holds reasoning."""
    kind = part.get("type")
    return part.get("thought") is True or any(one in word(kind)[:40] for one in REASONING_PARTS)


def word(value: Any) -> str:
    """The value where it is a text, else ''."""
    return value if isinstance(value, str) else ""


def usage(counts: Any, input_name: str, output_name: str) -> Usage:
    """Token counts; what is missing, negative or absurd counts as 0, and makes the usage not `whole`.

    A part never exceeds its whole: where one is said to, the usage is not `whole`. Tokens of the total that
    are neither input nor output are reasoning, which some servers (xAI, Gemini) bill as output and leave out
    of it.
    """
    counts = mapping(counts)
    taken, given = _count(counts.get(input_name)), _count(counts.get(output_name))
    details = mapping(counts.get(f"{input_name}_details"))
    cached, written = _count(details.get(_CACHED)), _count(details.get(_CACHE_WRITTEN))
    if not _BESIDE.isdisjoint(counts):
        cached = cached or _first(counts, _CACHED_BESIDE)
        written = written or _first(counts, _CACHE_WRITTEN_BESIDE)
    thought = mapping(counts.get(f"{output_name}_details")).get("reasoning_tokens")
    reasoning = _count(thought)
    apart = _count(counts.get("total_tokens")) - taken - given
    if apart < 0 or not taken:
        apart = 0
    fits = cached + written <= taken and reasoning <= given + apart
    if cached or written or reasoning or apart:
        cached, given = min(taken, cached), given + apart
        written, reasoning = min(taken - cached, written), min(given, max(reasoning, apart))
    if not (taken or given):
        return NO_TOKENS
    parts = [details.get(_CACHED), details.get(_CACHE_WRITTEN), thought, counts.get("total_tokens")]
    parts += map(counts.get, _BESIDE)
    whole = fits and all(_is_count(counts.get(name)) for name in (input_name, output_name))
    whole = whole and all(part is None or _is_count(part) for part in parts)
    return Usage(taken, given, cached, written, reasoning, whole)


def _first(counts: dict[str, Any], names: tuple[str, ...]) -> int:
    return next((found for name in names if (found := _count(counts.get(name)))), 0)


def _count(value: Any) -> int:
    return value if _is_count(value) else 0


def _is_count(value: Any) -> bool:
    return type(value) is int and 0 <= value < _LARGEST_COUNT
