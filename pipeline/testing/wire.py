"""What goes over the wire for an answer or a fault, before anyone sends it.

The server sends it; the in-process provider turns it into the reply or fault of an HTTP provider.
This module does not know sockets, clocks or counters.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field, replace
from email.utils import formatdate
from enum import Enum
from typing import TypeAlias, get_args

import orjson

from pipeline.testing.answers import Said, body_of
from pipeline.testing.script import REFUSALS, Altered, Disguised, Rule

Headers: TypeAlias = dict[str, str]

JSON = "application/json"
HUGE = 64 << 20  # bytes of a huge body where the rule gives no size
_REFUSED = {  # fault -> status, code, type of the error, message
    "rate_limit": (429, "rate_limit_exceeded", "requests", "Rate limit reached"),
    "insufficient_quota": (
        429,
        "insufficient_quota",
        "insufficient_quota",
        "You exceeded your current quota, please check your plan and billing details",
    ),
    "server_error": (500, "", "server_error", "The server had an error while processing your request"),
    "bad_request": (400, "invalid_value", "invalid_request_error", "The request is not valid"),
    "unauthorized": (401, "invalid_api_key", "invalid_request_error", "Incorrect API key provided"),
    "forbidden": (403, "forbidden", "invalid_request_error", "You are not allowed to use this model"),
    "not_found": (404, "model_not_found", "invalid_request_error", "The model does not exist"),
}
_PAGE = {"content-type": "text/html; charset=utf-8"}
_GARBAGE = b'{"id": "scripted", "choices": [{"message": {"content": "\xff\xfe cut \x00'
_HTML = b"<!DOCTYPE html><html><head><title>Sign in</title></head><body>Please sign in.</body></html>"


class Manner(Enum):
    """How a body is sent."""

    WHOLE = "whole"
    HANG = "hang"  # nothing, ever
    DROP = "drop"  # nothing: the connection is closed
    TRUNCATE = "truncate"  # half of what Content-Length promises, then the connection is closed
    PAD = "pad"  # followed by spaces up to `size`, without a Content-Length
    DRIP = "drip"  # byte by byte over `seconds`


@dataclass(frozen=True, slots=True)
class Wire:
    """A response: header names are lower case, `status` 0 where nothing is sent."""

    status: int
    body: bytes = b""
    headers: Headers = field(default_factory=lambda: {"content-type": JSON})
    manner: Manner = Manner.WHOLE
    size: int = 0
    seconds: float = 0.0


_FOREIGN = {
    "garbage": Wire(200, _GARBAGE),
    "html": Wire(200, _HTML, _PAGE),
    "empty_body": Wire(200),
    "no_content": Wire(204),
    "redirect": Wire(307, b"", {"location": "/moved"}),
}
"""bodies that are no answer"""


def error(status: int, code: str, kind: str, message: str) -> Wire:
    """A response with an error in the form of OpenAI's API."""
    inner = {"message": message, "type": kind, "param": None, "code": code or None}
    return Wire(status, orjson.dumps({"error": inner}))


def answered(api: str, digest: bytes, said: Said) -> Wire:
    """The response to a request without a fault."""
    return Wire(200, body_of(api, digest, said))


def faulty(rule: Rule, api: str, digest: bytes, said: Said) -> Wire:
    """The response to a request that a rule applies to; `said` is the answer without the rule."""
    if rule.fault in REFUSALS:
        wire = _refused(rule)
    elif rule.fault in get_args(Altered):
        wire = answered(api, digest, _altered(rule, said))
    elif rule.fault in get_args(Disguised):
        wire = _disguised(rule, api, digest, said)
    else:
        wire = _broken(rule, answered(api, digest, said))
    status = wire.status if rule.status is None or not wire.status else rule.status
    return replace(wire, status=status, headers=wire.headers | rule.headers)


def _refused(rule: Rule) -> Wire:
    status, code, kind, message = _REFUSED[rule.fault]
    code = code if rule.code is None else rule.code
    wire = error(status, code, kind, message if rule.message is None else rule.message)
    return replace(wire, headers=wire.headers | _told(rule))


def _told(rule: Rule) -> Headers:
    headers = {}
    if rule.retry_after is not None:
        headers["retry-after"] = f"{rule.retry_after:g}"
    if rule.retry_after_date is not None:
        headers["retry-after"] = formatdate(time.time() + rule.retry_after_date, usegmt=True)
    if rule.retry_after_ms is not None:
        headers["retry-after-ms"] = f"{rule.retry_after_ms:g}"
    return headers


def _altered(rule: Rule, said: Said) -> Said:
    half = (said.text or "")[: len(said.text or "") // 2]
    match rule.fault:
        case "refusal":
            return replace(said, text=None, refusal="I'm sorry, but I can't help with that.")
        case "length":
            return replace(said, text=half, finish_reason="length")
        case "filtered":
            return replace(said, text=half, finish_reason="content_filter")
        case "empty":
            return replace(said, text="")
        case "no_choices":
            return replace(said, text=None)
    return replace(said, model=f"another-than-{said.model}")


def _disguised(rule: Rule, api: str, digest: bytes, said: Said) -> Wire:
    wire = answered(api, bytes(len(digest)) if rule.fault == "same_id" else digest, said)
    match rule.fault:
        case "mislabelled":
            return replace(wire, headers=_PAGE)
        case "bom":
            return replace(wire, body=b"\xef\xbb\xbf" + wire.body)
        case "trailing":
            return replace(wire, body=wire.body + b"\n\x00]")
    return wire


def _broken(rule: Rule, whole: Wire) -> Wire:
    match rule.fault:
        case "hang":
            return Wire(0, manner=Manner.HANG)
        case "disconnect":
            return Wire(0, manner=Manner.DROP)
        case "truncate_body":
            return replace(whole, manner=Manner.TRUNCATE)
        case "drip":
            return replace(whole, manner=Manner.DRIP, seconds=1.0 if rule.seconds is None else rule.seconds)
        case "huge":
            return replace(whole, manner=Manner.PAD, size=rule.bytes or HUGE)
        case "error_body":
            message = "The server had an error" if rule.message is None else rule.message
            return error(200, rule.code or "server_error", "server_error", message)
    return _FOREIGN.get(rule.fault) or Wire(200, (rule.body or "").encode())
