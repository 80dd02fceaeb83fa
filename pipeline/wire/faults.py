"""Foreign errors, mapped in one place: an HTTP status or a lost connection -> a `Fault` with its fate.

| what came | kind | fate | billed |
| --- | --- | --- | --- |
| 401, 403 | unauthorized, forbidden | stop | no |
| 402, 429 with an exact quota code | out_of_quota | stop | no |
| other 429 | rate_limited | retry, when told | no |
| 429 for one request above the whole limit | too_large_for_limit | fail | no |
| 404, 3xx | not_found, redirected | stop | no |
| a certificate that cannot be trusted, at the first connection | untrusted | stop | no |
| plain http behind an https address, at the first connection | not_https | stop | no |
| success with HTML or nothing in it, five times in a row | not_an_api | stop | maybe |
| success without a readable reply | unreadable | retry | maybe |
| 400, 413, 422 by code | context_length, filtered, bad_request | fail | no |
| 409; 408, 425 | conflict | retry | maybe; no |
| 5xx | server_error | retry | maybe |
| 407, or a proxy that lets nothing through | proxy_refused | stop | no |
| no connection | unreachable | retry | no |
| connection lost, deadline passed | disconnected, timeout | retry | maybe |

This module does not know any HTTP library.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

import orjson

from pipeline.core.domain import Billed, Fate, Fault
from pipeline.core.secret import cleansed
from pipeline.wire.headers import advertised_limits, advertised_wait

QUOTA_CODES = frozenset(
    {
        "insufficient_quota",
        "credit_balance_exhausted",
        "organization_spend_limit_exceeded",
        "project_spend_limit_exceeded",
        "organization_usage_limit_exceeded",
    }
)
_RATE_CODES = frozenset({"rate_limit_exceeded", "rate_limited", "too_many_requests", "slow_down"})
_CONTEXT_CODES = frozenset(
    {"context_length_exceeded", "string_above_max_length", "exceed_context_size_error"}
)
_NEVER_FITS = "Request too large for"
"""the message of OpenAI's 429 for a single request above a minute's limit; it has no code of its own"""
_FILTER_CODES = frozenset(
    {"content_filter", "content_policy_violation", "content_filtered", "invalid_prompt"}
)
_KEYLIKE = re.compile(r"\b(?:sk|pk|rk|key|api|bearer)[-_][^\s\"',;]{6,}", re.IGNORECASE)
_STATUS = re.compile(r"[45][0-9]{2}\Z")
_LONGEST_MESSAGE = 300
_LONGEST_READ, _LONGEST_CODE = 10_000, 80
REPLY_CAP = 8 * 1024 * 1024
"""the largest reply that is read, in bytes: several times what any model writes"""


def fault_of(status: int, headers: Mapping[str, str], body: bytes) -> Fault:
    """The fault that an HTTP error response stands for. `headers` has lower-case names."""
    code, message = error_of(body)
    said = f"{status} {code}".strip() + (f": {message}" if message else "")
    kind, fate, billed = _classify(status, code, message)
    keep = b"" if status in (401, 403) else body  # a refusal of a key may echo the key
    if status in (401, 403):
        said = f"the server refused the key ({status} {code})".replace(" )", ")")
    if kind == "redirected":
        said = f"the server answers with a redirect ({status}){_aim(headers)}, which is never followed"
    wait = advertised_wait(headers) if fate is Fate.RETRY else None
    told = advertised_limits(headers)
    return Fault(kind, said, fate=fate, billed=billed, wait=wait, status=status, body=keep, advertised=told)


def _aim(headers: Mapping[str, str]) -> str:
    """The host that a redirect points to; path and query are left out, because they may hold secrets."""
    try:
        host = urlsplit(headers.get("location", "")).netloc.rpartition("@")[2]
    except ValueError:
        return ""
    return f" to {scrub(host)[:80]}" if host else ""


def error_reply(body: bytes) -> Fault | None:
    """The fault where the status is success but the body is an error: its code is taken for the status.

    None where the code says nothing. Some gateways answer like this, with the status of their upstream.
    """
    code, message = error_of(body)
    status = _status_in(body) or (429 if code in QUOTA_CODES | _RATE_CODES else 0)
    if not status:
        return None
    kind, fate, billed = _classify(status, code, message)
    keep = b"" if status in (401, 403) else body
    said = f"200 with an error {status} {code}".strip() + (f": {message}" if message else "")
    return Fault(kind, said, fate=fate, billed=billed, status=status, body=keep)


def _status_in(body: bytes) -> int:
    try:
        parsed = orjson.loads(body)
        error = parsed.get("error", parsed)
    except (ValueError, AttributeError):
        return 0
    words = (error.get("code"), error.get("status")) if isinstance(error, dict) else ()
    numbers = (int(word) if isinstance(word, str) and _STATUS.match(word) else word for word in words)
    return next((number for number in numbers if isinstance(number, int) and 400 <= number < 600), 0)


def _classify(status: int, code: str, message: str = "") -> tuple[str, Fate, Billed]:
    if status == 402 or (status == 429 and code in QUOTA_CODES):
        return "out_of_quota", Fate.STOP, Billed.NO
    if status == 429 and message.startswith(_NEVER_FITS):
        return "too_large_for_limit", Fate.FAIL, Billed.NO
    if status == 429:
        return "rate_limited", Fate.RETRY, Billed.NO
    if status >= 500:
        return "server_error", Fate.RETRY, Billed.MAYBE
    if status == 407:
        return "proxy_refused", Fate.STOP, Billed.NO
    if status in (408, 409, 425):
        return "conflict", Fate.RETRY, Billed.MAYBE if status == 409 else Billed.NO
    if status < 300:  # another protocol than the one that was spoken
        return "unreadable", Fate.RETRY, Billed.MAYBE
    if status < 400:
        return "redirected", Fate.STOP, Billed.NO
    if status in (401, 403, 404):
        return {401: "unauthorized", 403: "forbidden", 404: "not_found"}[status], Fate.STOP, Billed.NO
    kind = "context_length" if code in _CONTEXT_CODES else "bad_request"
    return "filtered" if code in _FILTER_CODES else kind, Fate.FAIL, Billed.NO


def error_of(body: bytes) -> tuple[str, str]:
    """Code and message of an error body in any of the forms that servers use; ('', '') for none."""
    try:
        parsed: Any = orjson.loads(body)
    except ValueError:
        return "", ""
    error = parsed.get("error", parsed) if isinstance(parsed, dict) else {}
    if isinstance(error, str):
        return "", scrub(error)
    if not isinstance(error, dict):
        return "", ""
    words = (error.get("code"), error.get("type"))  # llama.cpp's code is a number
    code = next((word for word in words if isinstance(word, str) and word), "")
    code = " ".join(cleansed(code)[:_LONGEST_CODE].split())
    message = error.get("message") or error.get("detail") or ""
    return code, scrub(_said(message))


def _said(message: Any) -> str:
    if isinstance(message, str):
        return message
    try:
        return orjson.dumps(message).decode()  # some servers send a list of complaints
    except TypeError:  # nested too deeply
        return ""


def scrub(message: str) -> str:
    """A server's words in one short line, with whatever looks like a key taken out."""
    start = (
        cleansed(message[:_LONGEST_READ]).encode("utf-8", "replace").decode()
    )  # it may hold lone surrogates
    line = " ".join(_KEYLIKE.sub("***", start).split())
    return line if len(line) <= _LONGEST_MESSAGE else line[: _LONGEST_MESSAGE - 1] + "…"


def unreachable(message: str) -> Fault:
    """No connection: nothing was sent, so nothing was billed."""
    return Fault("unreachable", message, fate=Fate.RETRY, billed=Billed.NO)


def no_tunnel(proxy: str, host: str, status: int) -> Fault:
    """A proxy that makes no connection to the server: nothing was sent to that."""
    said = f"the proxy {proxy} makes no connection to {host} ({status})"
    if status in (408, 429) or status >= 500:
        return unreachable(said)
    return Fault("proxy_refused", said, fate=Fate.STOP, status=status)


def untrusted(host: str, reason: str) -> Fault:
    """A certificate that cannot be trusted: nothing was sent."""
    return Fault("untrusted", f"{host} has no certificate that can be trusted: {reason}", fate=Fate.STOP)


def not_https(host: str) -> Fault:
    """Something else than TLS came back: nothing was sent."""
    return Fault("not_https", f"{host} does not speak https, but plain http, it seems", fate=Fate.STOP)


def no_memory() -> Fault:
    """There was no memory for a reply. To send it again would be paid for, and end in the same way."""
    what = "this process got no more memory while a reply was read"
    return Fault("no_memory", what, fate=Fate.STOP, billed=Billed.MAYBE)


def dropped(billed: Billed, message: str, body: bytes = b"") -> Fault:
    """The connection was lost after the request was sent; `body` is the part of the reply that came."""
    return Fault("disconnected", message, fate=Fate.RETRY, billed=billed, body=body)


def unreadable(message: str, body: bytes) -> Fault:
    """The status was success, but the body is no reply: a proxy's page, half a body, nothing."""
    return Fault("unreadable", message, fate=Fate.RETRY, billed=Billed.MAYBE, status=200, body=body)


def not_an_api(message: str, body: bytes) -> Fault:
    """What answers at the address is not an API."""
    said = f"not an API: {message}"
    return Fault("not_an_api", said, fate=Fate.STOP, billed=Billed.MAYBE, status=200, body=body)


def is_page(body: bytes) -> bool:
    """Whether a body is a page for people."""
    return body[:200].lstrip(b"\xef\xbb\xbf \t\r\n").lower().startswith((b"<!doctype", b"<html", b"<head"))


def too_large() -> Fault:
    """The reply passed `REPLY_CAP`."""
    return Fault("too_large", f"the reply is larger than {REPLY_CAP >> 20} MiB", billed=Billed.YES)


def stalled(seconds: float, body: bytes) -> Fault:
    """A reply began and did not go on; `body` is the part that came."""
    message = f"the reply stopped half way: nothing more came for {seconds:g} s"
    return Fault("timeout", message, fate=Fate.RETRY, billed=Billed.MAYBE, body=body)


def timed_out(seconds: float) -> Fault:
    """The whole call took longer than `limits.timeout`."""
    return Fault("timeout", f"no answer within {seconds:g} s", fate=Fate.RETRY, billed=Billed.MAYBE)
