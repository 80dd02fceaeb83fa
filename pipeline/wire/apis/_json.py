"""What all dialects share: reading a body that may hold anything.

Whatever a server sends, reading it raises nothing but a `Fault`. This module knows no dialect.
"""

from __future__ import annotations

import json
import re
from typing import Any

import orjson

from pipeline.core.domain import NO_TOKENS, Usage
from pipeline.wire.faults import error_reply, is_page, scrub, unreadable

__all__ = ["joined", "mapping", "parse", "text_of", "unreadable", "usage", "word"]

_LARGEST_COUNT = 1 << 26
_CACHED, _CACHE_WRITTEN = "cached_tokens", "cache_write_tokens"
"""OpenAI's names, in the details of the input tokens"""
_CACHED_BESIDE = ("prompt_cache_hit_tokens", "cache_read_input_tokens", "cached_tokens")
"""the names of DeepSeek, Anthropic and Moonshot, beside the total"""
_CACHE_WRITTEN_BESIDE = ("cache_creation_input_tokens",)
_BESIDE = frozenset((*_CACHED_BESIDE, *_CACHE_WRITTEN_BESIDE))
MOST_VALUES = 400_000
"""the most values in one body: one of two bytes takes some sixty bytes of memory"""
_FEW = 2 * MOST_VALUES
"""a body of at most so many bytes cannot have more values than that"""
_LENIENT = 2 << 20
"""the largest body, in bytes, that the standard parser may read"""
_SAID_ONCE = re.compile(rb'"(?:choices|message|content|output|text|finish_reason)"')
"""a body that has one of these names twice is checked for double keys"""


def parse(body: bytes) -> dict[str, Any]:
    """The JSON object in a body; an `unreadable` fault for anything else."""
    if len(body) > _FEW and body.count(b",") + body.count(b"[") + body.count(b"{") > MOST_VALUES:
        raise unreadable(f"the reply is {len(body):,} bytes of small values, which is not an answer", body)
    try:
        parsed = orjson.loads(body)
        names = _SAID_ONCE.findall(body) if len(body) <= _LENIENT else ()
        if len(names) > len(set(names)):
            _refuse_twins(body)
    except ValueError as wrong:
        if "memory" in str(wrong):  # the parser says so in words; the reply may be a good one
            raise MemoryError from None
        parsed = _lenient(body)
    if not isinstance(parsed, dict):
        raise unreadable(f"the reply is not a JSON object ({_looks(body)})", body)
    error = _error_in(parsed)
    if error:
        if fault := error_reply(body):
            raise fault
        message = error.get("message") if isinstance(error, dict) else error
        said = scrub(message)[:200] if isinstance(message, str) else type(message).__name__
        raise unreadable(f"the reply carries an error instead of an answer: {said}", body)
    return parsed


def _error_in(parsed: dict[str, Any]) -> Any:
    """The error in a reply, in any form that servers use; a false value where there is none."""
    if parsed.get("error") or parsed.get("object") == "error":
        return parsed.get("error") or parsed
    answered = "choices" in parsed or "output" in parsed or "text" in parsed
    return None if answered else parsed.get("errors") or parsed.get("detail")


def _refuse_twins(body: bytes) -> None:
    """Refuse an object that has a key twice: it is not known which value is meant."""
    try:
        json.loads(body, object_pairs_hook=_distinct)
    except ValueError as error:
        raise unreadable(f"the reply is ambiguous: {error}", body) from None
    except RecursionError:
        raise unreadable("the reply is nested too deeply", body) from None


def _distinct(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("a key occurs twice in one object")
    return found


def _lenient(body: bytes) -> Any:
    """Parsed by the standard parser, which takes lone surrogates, huge numbers and a BOM."""
    try:
        if len(body) <= _LENIENT:
            return json.loads(body, object_pairs_hook=_distinct)
    except (ValueError, RecursionError):
        pass
    raise unreadable(f"the reply is not JSON ({_looks(body)})", body)


def _looks(body: bytes) -> str:
    if not body[:200].strip():
        return "it is empty"
    return "it is an HTML page" if is_page(body) else f"{len(body)} bytes"


def mapping(value: Any) -> dict[str, Any]:
    """The value where it is a mapping, else an empty one."""
    return value if isinstance(value, dict) else {}


def text_of(content: Any) -> str:
    """The text of a message's content, which is a text or a list of parts."""
    if isinstance(content, str):
        return content
    return joined(content, "text")


def joined(content: Any, name: str) -> str:
    """What the parts of a content have under a name, `text` or `refusal`; '' where it has no parts."""
    if not isinstance(content, list):
        return ""
    return "".join(_text(mapping(part).get(name)) for part in content)


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""


def word(value: Any, default: str = "") -> str:
    """The value where it is a text, else the default."""
    return value if isinstance(value, str) and value else default


def usage(counts: Any, input_name: str, output_name: str) -> Usage:
    """Token counts; what is missing, negative or absurd counts as 0, and makes the usage not `whole`.

    A part never exceeds its whole. Tokens of the total that are neither input nor output are reasoning,
    which some servers (xAI, Gemini) bill as output and leave out of it.
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
    if cached or written or reasoning or apart:
        cached, given = min(taken, cached), given + apart
        written, reasoning = min(taken - cached, written), min(given, max(reasoning, apart))
    if not (taken or given):
        return NO_TOKENS
    parts = [details.get(_CACHED), details.get(_CACHE_WRITTEN), thought, counts.get("total_tokens")]
    parts += map(counts.get, _BESIDE)
    whole = all(_is_count(counts.get(name)) for name in (input_name, output_name))
    whole = whole and all(part is None or _is_count(part) for part in parts)
    return Usage(taken, given, cached, written, reasoning, whole)


def _first(counts: dict[str, Any], names: tuple[str, ...]) -> int:
    """The first of these counts that is there."""
    return next((found for name in names if (found := _count(counts.get(name)))), 0)


def _count(value: Any) -> int:
    return value if _is_count(value) else 0


def _is_count(value: Any) -> bool:
    return type(value) is int and 0 <= value < _LARGEST_COUNT
