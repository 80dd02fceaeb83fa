"""What all dialects share: a body read with suspicion.

Nothing a server sends may raise anything but a `Fault`. This module knows no dialect.
"""

from __future__ import annotations

import json
from typing import Any

import orjson

from pipeline.domain import Billed, Fate, Fault, Usage

_LARGEST_COUNT = 1 << 40


def unreadable(message: str, body: bytes) -> Fault:
    """A reply that came with success and is no reply: a proxy's page, half a body, nothing."""
    return Fault("unreadable", message, fate=Fate.RETRY, billed=Billed.MAYBE, status=200, body=body)


def parse(body: bytes) -> dict[str, Any]:
    """The JSON object in a body; an `unreadable` fault for anything else."""
    try:
        parsed = orjson.loads(body)
    except ValueError:
        parsed = _lenient(body)
    if not isinstance(parsed, dict):
        raise unreadable(f"the reply is not a JSON object ({_looks(body)})", body)
    error = parsed.get("error")
    if error:
        message = error.get("message") if isinstance(error, dict) else error
        said = message if isinstance(message, str) else type(message).__name__
        raise unreadable(f"the reply carries an error instead of an answer: {said[:200]}", body)
    return parsed


def _lenient(body: bytes) -> Any:
    """The standard parser takes what the strict one refuses: lone surrogates, huge numbers."""
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        raise unreadable(f"the reply is not JSON ({_looks(body)})", body) from None


def _looks(body: bytes) -> str:
    start = body[:200].lstrip().lower()
    if not start:
        return "it is empty"
    return "it is an HTML page" if start.startswith((b"<!doctype", b"<html")) else f"{len(body)} bytes"


def mapping(value: Any) -> dict[str, Any]:
    """The value where it is a mapping, else an empty one."""
    return value if isinstance(value, dict) else {}


def text_of(content: Any) -> str:
    """The text of a message's content, which is a text or a list of parts."""
    if isinstance(content, str):
        return content
    parts = content if isinstance(content, list) else []
    return "".join(_text(mapping(part).get("text")) for part in parts)


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""


def word(value: Any, default: str = "") -> str:
    """The value where it is a text, else the default."""
    return value if isinstance(value, str) and value else default


def usage(counts: Any, input_name: str, output_name: str) -> Usage:
    """Token counts; what is missing, negative or absurd counts as 0."""
    counts = mapping(counts)
    return Usage(_count(counts.get(input_name)), _count(counts.get(output_name)))


def _count(value: Any) -> int:
    sane = isinstance(value, int) and not isinstance(value, bool) and 0 <= value < _LARGEST_COUNT
    return value if sane else 0
