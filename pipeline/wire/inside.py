"""Errors inside a success: a reply that is no answer, and says why in one of many forms.

It is classed as the same error with a status of its own (`error_bodies.py`, `refusals.py`). This module does
not know dialects.
"""

from __future__ import annotations

from typing import Any

import orjson

from pipeline.core.domain import Billed, Fate, Fault
from pipeline.wire.error_bodies import first_words, layers_of
from pipeline.wire.faults import error_of, error_reply, scrub, unreadable
from pipeline.wire.words import MALFORMED_CODES, MALFORMED_WORDS

_SHOWN = 200


def refused(error: Any, body: bytes) -> Fault:
    """The fault for an error in a reply: classed by what it says; else the request is sent again."""
    plain = _dumped(error, body)
    if fault := error_reply(plain):
        return fault.but(body=body if fault.body else b"")
    said = ": ".join(filter(None, error_of(plain))) or first_words(plain)
    return unreadable(f"the reply carries an error instead of an answer: {scrub(said)[:_SHOWN]}", body)


def no_answer(reply: dict[str, Any], body: bytes) -> Fault:
    """The fault for a reply that has no usable choice, in the server's words where it has any."""
    if error_of(_dumped(reply, body))[1]:
        return refused(reply, body)
    return unreadable(f"the reply has no answer in it: {scrub(first_words(body))[:_SHOWN]}", body)


def broken_off(word: Any, body: bytes) -> Fault:
    """The fault for an answer that the server itself broke off, with its word for that."""
    what = f"the server broke the answer off, with '{scrub(str(word))[:40]}'"
    return Fault("server_error", what, fate=Fate.RETRY, billed=Billed.MAYBE, status=200, body=body)


def _dumped(found: Any, body: bytes) -> bytes:
    """What was found in a body, as JSON; the body where it holds what cannot be written."""
    try:
        return orjson.dumps(found)
    except TypeError:  # too deep, a lone surrogate, a huge number
        return body


def denied(reply: dict[str, Any], body: bytes) -> Fault | None:
    """The fault where MiniMax's `base_resp` tells of an error, even beside a text; else None."""
    base = reply.get("base_resp")
    if not isinstance(base, dict) or base.get("status_code") in (None, "", 0, "0"):
        return None
    if says_success({"code": base["status_code"], "message": base.get("status_msg")}):
        return None
    return refused(base, body)


def says_success(error: Any) -> bool:
    """Whether what stands in the place of an error says that there is none: code 0, and no words but "ok"."""
    if not isinstance(error, dict) or error.get("code") not in (0, "0", 200, "200"):
        return False
    return str(error.get("message") or "ok").strip().lower() in ("ok", "success", "successful", "no error")


def failed_generation(body: bytes) -> str | None:
    """What the model wrote, where an error says that it was not the JSON that was asked for; else None."""
    for layer in layers_of(body, quoted=False):
        message = layer.get("message")
        begins = isinstance(message, str) and message.lower().startswith(MALFORMED_WORDS)
        if begins or layer.get("code") in MALFORMED_CODES:
            written = layer.get("failed_generation")
            return written if isinstance(written, str) else orjson.dumps(written).decode() if written else ""
    return None
