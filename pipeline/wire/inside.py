"""Errors inside a success: a reply that is no answer, and says why in one of many forms.

What it says is put into the one form that `faults.py` knows, so that it is classed as the same error with a
status of its own. This module does not know dialects.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import orjson

from pipeline.core.domain import Billed, Fate, Fault
from pipeline.wire.faults import error_reply, scrub, unreadable
from pipeline.wire.words import (
    CODES,
    ERRORS,
    MALFORMED_CODES,
    MALFORMED_WORDS,
    MESSAGES,
    STATUSES,
    TOO_FAST,
)

_SHOWN = 120
_DEEPEST = 4


def refused(error: Any, body: bytes) -> Fault:
    """The fault for an error in a reply: classed by its code, or by what it says; else it is asked again."""
    status, code, message = _said(error)
    if not status and any(word in message.lower() for word in TOO_FAST):
        status = 429
    plain = {"error": {"code": status, "type": code, "message": message}}
    if (status or code) and (fault := error_reply(orjson.dumps(plain))):
        return fault.but(body=body if fault.body else b"")
    said = f"{code}: {message}" if code and message else code or message or type(error).__name__
    return unreadable(f"the reply carries an error instead of an answer: {said[:200]}", body)


def no_answer(reply: dict[str, Any], body: bytes) -> Fault:
    """The fault for a reply that has no usable choice, in the server's words where it has any."""
    for error in _places(reply):
        status, _, message = _said(error)
        if status or message:
            return refused(error, body)
    start = scrub(body[:_SHOWN].decode("utf-8", "replace"))
    return unreadable(f"the reply has no answer in it: {start}", body)


def broken_off(word: Any, reply: dict[str, Any], body: bytes) -> Fault:
    """The fault for an answer that the server itself broke off, with its word for that."""
    _, code, message = next((said for error in _places(reply) if any(said := _said(error))), (0, "", ""))
    more = "".join(f" ({part})" for part in (code, message) if part)
    what = f"the server broke the answer off, with '{scrub(str(word))[:40]}'{more}"
    return Fault("server_error", what, fate=Fate.RETRY, billed=Billed.MAYBE, status=200, body=body)


def denied(reply: dict[str, Any], body: bytes) -> Fault | None:
    """The fault where MiniMax's `base_resp` tells of an error; None where it tells of none."""
    base = reply.get("base_resp")
    return refused(base, body) if isinstance(base, dict) and base.get("status_code") else None


def failed_generation(body: bytes) -> str | None:
    """What the model wrote, where an error says that it was not the JSON that was asked for; else None."""
    try:
        return _generation(orjson.loads(body), 0)
    except ValueError:
        return None


def _generation(found: Any, depth: int) -> str | None:
    error = found.get("error", found) if isinstance(found, dict) else None
    if not isinstance(error, dict) or depth > _DEEPEST:
        return None
    message = error.get("message")
    begins = isinstance(message, str) and message.lower().startswith(MALFORMED_WORDS)
    if begins or any(isinstance(word := error.get(name), str) and word in MALFORMED_CODES for name in CODES):
        written = error.get("failed_generation")
        return written if isinstance(written, str) else orjson.dumps(written).decode() if written else ""
    metadata = error.get("metadata")  # of OpenRouter: the error as its provider has sent it
    raw = metadata.get("raw") if isinstance(metadata, dict) else None
    if isinstance(raw, str):
        try:
            raw = orjson.loads(raw)
        except ValueError:
            return None
    return _generation(raw, depth + 1)


def _places(reply: dict[str, Any]) -> Iterator[Any]:
    """Where a reply may say why it is no answer, the most telling place first."""
    choices = reply.get("choices")
    if isinstance(choices, list) and choices and isinstance(choices[0], dict):
        yield choices[0].get("error")
    for name in ERRORS:
        yield reply.get(name)
    yield reply


def _said(error: Any) -> tuple[int, str, str]:
    """Status, code and message of an error; 0 and '' for what it does not say."""
    if isinstance(error, list):
        error = next(iter(error), None)
    if isinstance(error, str):
        return 0, "", scrub(error)
    if not isinstance(error, dict):
        return 0, "", ""
    message = next((word for name in MESSAGES if isinstance(word := error.get(name), str) and word), "")
    status, code = 0, ""
    for name in CODES:
        word = error.get(name)
        if isinstance(word, str) and word.isascii() and word.isdigit() and len(word) < 8:
            word = int(word)
        if type(word) is int and word:
            known = STATUSES.get((name, word), (word if 400 <= word < 600 else 0, ""))
            status, code = status or known[0], code or known[1] or ("" if known[0] else str(word)[:20])
        elif isinstance(word, str) and word and not code:
            code = scrub(word)[:80]
    return status, code, scrub(message)
