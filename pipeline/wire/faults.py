"""Foreign errors, mapped in one place: an HTTP status or a lost connection -> a `Fault` with its fate.

| what came | kind | fate | billed |
| --- | --- | --- | --- |
| 401, 403 | unauthorized, forbidden | stop | no |
| 400 whose words are about the key | unauthorized | stop | no |
| 402, 429 with an exact quota code | out_of_quota | stop | no |
| 429 for a resource that is unavailable | no_room | retry, when told | no |
| 498 | no_room | retry, when told | no |
| other 429 | rate_limited | retry, when told | no |
| 429 for one request above the whole limit | too_large_for_limit | fail | no |
| 404, 410, 3xx | not_found, redirected | stop | no |
| 400 whose words are about the model | not_found | stop | no |
| a certificate that cannot be trusted, at the first connection | untrusted | stop | no |
| plain http behind an https address, at the first connection | not_https | stop | no |
| success with HTML, nothing or another API in it, five in a row; 511 | not_an_api | stop | maybe; maybe |
| success without a readable reply | unreadable | retry | maybe |
| 400, 413, 422 by code or words | context_length, filtered, bad_request | fail | no |
| 451 | filtered | fail | no |
| 409; 408, 425 | conflict | retry | maybe; no |
| 5xx, 424 | server_error | retry | maybe |
| 503, 529 whose words are overloaded, loading, full or no server | server_error | retry | no |
| 503 with nginx's own page | server_error | retry | no |
| 521, 523, 525, 526 | server_error | retry | no |
| 407, or a proxy that lets nothing through | proxy_refused | stop | no |
| no connection | unreachable | retry | no |
| 499, 460, connection lost, deadline passed | disconnected, timeout | retry | maybe |

The tables of statuses, codes and words are in `refusals.py`, the forms of bodies in `error_bodies.py`. Where
a server's fault is not billed, the request was turned away before anything was done for it.
This module does not know any HTTP library.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from urllib.parse import urlsplit

from pipeline.core.domain import Billed, Fate, Fault
from pipeline.core.secret import cleansed_error
from pipeline.wire.error_bodies import Said, first_words, said_in_body
from pipeline.wire.headers import advertised_limits, advertised_wait
from pipeline.wire.refusals import judge, status_of

_KEYLIKE = re.compile(r"\b(?:sk|pk|rk|key|api|bearer)[-_][^\s\"',;]{6,}", re.IGNORECASE)
_PART_OF_KEY = re.compile(r"[^\s\"'`,;()=]*(?:[\d*…@/+]|\.\.|[A-Za-z]{20})[^\s\"'`,;()=]*")
"""a word that may be a key or a part of one: with a digit, a mark of what was left out, or very long"""
_REFUSED = "the server refused the key"
PROXY = "the proxy"
"""how a proxy is named that cannot be reached"""
_UNSURE = frozenset((408, 409, 425, 499))
"""statuses besides 5xx after which something may have been made"""
_LONGEST_MESSAGE = 300
_LONGEST_READ = 10_000
REPLY_CAP = 8 * 1024 * 1024  # the largest reply that is read, in bytes: several times what any model writes


def fault_of(status: int, headers: Mapping[str, str], body: bytes) -> Fault:
    """The fault that an HTTP error response stands for. `headers` has lower-case names."""
    said = said_in_body(body)
    fault = _judged(status, said, body, str(status))
    if fault.kind == "redirected":
        where = f"a redirect ({status}){_aim(headers)}, which is never followed"
        fault = fault.but(message=f"the server answers with {where}")
    wait = (advertised_wait(headers) or said.wait) if fault.fate is Fate.RETRY else None
    return fault.but(wait=wait, advertised=advertised_limits(headers))


def _judged(status: int, said: Said, body: bytes, shown: str) -> Fault:
    """The fault for what an error body says, with the status as it is shown."""
    known = said.message or said.codes
    text = said.message if known else body[:_LONGEST_READ].decode("utf-8", "replace")
    kind, fate, billed = judge(status, said, text)
    words = scrub(said.message if known else first_words(body).removeprefix(str(status)))
    what = f"{shown} {said.shown}".strip()
    if kind in ("unauthorized", "forbidden"):  # a refusal of a key may echo the key
        what, body = f"{_REFUSED} ({what})", b""
        words = _PART_OF_KEY.sub("***", words)
    message = what + (f": {words}" if words else "")
    return Fault(kind, message, fate=fate, billed=billed, status=status, body=body)


def _aim(headers: Mapping[str, str]) -> str:
    """The host that a redirect points to; path and query are left out, because they may hold secrets."""
    try:
        host = urlsplit(headers.get("location", "")).netloc.rpartition("@")[2]
    except ValueError:
        return ""
    return f" to {scrub(host)[:80]}" if host else ""


def error_reply(body: bytes) -> Fault | None:
    """The fault where the status is success but the body is an error: what it says is taken for the status.

    None where it says nothing that is known. Some gateways answer like this, with the status of their
    upstream. A server's fault may then have come after a part of an answer, and may be billed.
    """
    said = said_in_body(body)
    status = status_of(said)
    if not status:
        return None
    fault = _judged(status, said, body, f"200 with an error {status}")
    billed = Billed.MAYBE if status >= 500 else fault.billed
    return fault.but(billed=billed, wait=said.wait if fault.fate is Fate.RETRY else None)


def certainly_nothing(fault: Fault) -> bool:
    """Whether a call that was to make something (a job, a batch) made nothing, for certain."""
    return fault.billed is Billed.NO and fault.status < 500 and fault.status not in _UNSURE


def error_of(body: bytes) -> tuple[str, str]:
    """Code and message of an error body in any of the forms that servers use; ('', '') for none."""
    said = said_in_body(body)
    return said.shown, scrub(said.message)


def scrub(message: str) -> str:
    """A server's words in one short line, with whatever looks like a key taken out."""
    start = cleansed_error(message[:_LONGEST_READ])
    start = start.encode("utf-8", "replace").decode()  # it may hold lone surrogates
    line = " ".join(_KEYLIKE.sub("***", start).split())
    return line if len(line) <= _LONGEST_MESSAGE else line[: _LONGEST_MESSAGE - 1] + "…"


def no_key(host: str, fault: Fault) -> str:
    """What a fault says where no key was sent: a server that wants one has refused none."""
    advice = f"no key was sent to {host}, which wants one: name its variable in api_key_env"
    return fault.message.replace(_REFUSED, advice, 1) if fault.kind == "unauthorized" else fault.message


def unreachable(message: str) -> Fault:
    """No connection: nothing was sent, so nothing was billed."""
    return Fault("unreachable", message, fate=Fate.RETRY, billed=Billed.NO)


def no_tunnel(proxy: str, host: str, status: int) -> Fault:
    """A proxy that makes no connection to the server: nothing was sent to that."""
    said = f"{PROXY} {proxy} makes no connection to {host} ({status})"
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


_FOREIGN = {
    "Ollama's own API": re.compile(rb'"done"\s*:\s*(?:true|false)'),
    "Gemini's own API": re.compile(rb'"candidates"\s*:\s*\['),
    "Anthropic's own API": re.compile(rb'"type"\s*:\s*"message"'),
}
"""what the replies of APIs have that no dialect here speaks"""


def foreign(body: bytes) -> str:
    """The API that a body is a reply of, where it is one of no dialect; '' for all others."""
    if body[:1] != b"{" or b'"choices"' in body or b'"output"' in body:
        return ""
    return next((name for name, sign in _FOREIGN.items() if sign.search(body)), "")


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
