"""The HTTP behind every provider that speaks OpenAI's API.

`AsyncOpenAI` over the aiohttp transport, without the SDK's own retries: they would sleep inside a slot
and pass by the rate limits. The body is posted as the bytes the request carries and read raw, which
costs a fifth of `create`. No redirect is followed, no compressed reply asked for, the size of a reply is
capped, and a deadline holds for the whole call.
This module does not retry, count or read what an answer says, and does not know where a key came from.
"""

from __future__ import annotations

import resource
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from time import perf_counter
from typing import Any
from urllib.parse import urlsplit

import aiohttp
import anyio
import httpx2
import openai

from pipeline.domain import Billed, Call, Fault, Reply, Request
from pipeline.faults import (
    REPLY_CAP,
    dropped,
    fault_of,
    stalled,
    timed_out,
    too_large,
    unreachable,
    unreadable,
    untrusted,
)
from pipeline.providers._bodies import BrokenOff, ReplyTooLarge, Stalled, Undecodable, Unfinished
from pipeline.providers._strangers import Strangers
from pipeline.providers._transport import CappedTransport, PlainClient
from pipeline.secret import Secret
from pipeline.waits import told_limits

PATHS = {"chat": "/chat/completions", "responses": "/responses", "completions": "/completions"}
CONNECT_SECONDS = 30.0
OTHER_FILES = 128
"""files that are open besides the connections"""
_TELEMETRY = tuple(
    f"X-Stainless-{name}"
    for name in (
        "Async",
        "Lang",
        "Package-Version",
        "OS",
        "Arch",
        "Runtime",
        "Runtime-Version",
        "Retry-Count",
        "Read-Timeout",
    )
)
"""headers of the SDK about this machine, which no endpoint needs and every request would pay for"""


def _allow_sockets(concurrency: int) -> None:
    """Raise this process' own limit of open files to what the connections need, as far as it may be."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = concurrency + OTHER_FILES
    if soft != resource.RLIM_INFINITY and soft < wanted:
        most = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))


def _client(base_url: str, transport: CappedTransport, patience: httpx2.Timeout) -> openai.AsyncOpenAI:
    """The SDK's client, which is not told the key: each request brings its own header."""
    http = PlainClient(transport=transport, timeout=patience, follow_redirects=False, trust_env=False)
    return openai.AsyncOpenAI(
        api_key="none",
        base_url=base_url,
        http_client=http,
        max_retries=0,
        timeout=patience,
        default_headers={"Accept-Encoding": "identity"},
    )


@asynccontextmanager
async def connection(
    base_url: str, key: Secret, api: str, concurrency: int, seconds: float, idle: float
) -> AsyncIterator[Call]:
    _allow_sockets(concurrency)
    patience = httpx2.Timeout(seconds, connect=CONNECT_SECONDS)
    client = _client(base_url, CappedTransport(concurrency, REPLY_CAP, idle), patience)
    url = base_url.rstrip("/") + PATHS[api]
    left_out = dict.fromkeys((*_TELEMETRY, "Authorization"), openai.Omit())
    host = urlsplit(base_url).netloc.rpartition("@")[2]  # a password may stand before it
    strangers = Strangers(host)
    known = False

    def options() -> Any:
        sent: dict[str, Any] = {"Authorization": f"Bearer {key.reveal()}"} if key else {}
        return {"headers": left_out | sent, "max_retries": 0, "timeout": patience}

    kept = key.without  # should a server send the key back: bodies go into the journal

    async def post(request: Request) -> Reply:
        nonlocal known
        began = perf_counter()
        try:
            with anyio.fail_after(seconds):
                response = await client.post(
                    url,
                    content=request.body,
                    cast_to=httpx2.Response,
                    options=options(),
                )
        except TimeoutError:
            raise timed_out(seconds) from None
        except Unfinished as part:
            raise _unfinished(part, kept(part.body), host, idle) from None
        except openai.APIStatusError as error:
            known = True
            raise fault_of(error.status_code, error.response.headers, kept(error.response.content)) from None
        except openai.APIConnectionError as error:
            raise _lost(error, host, known) from None
        except aiohttp.ClientResponseError:
            raise unreadable("the reply's head is not HTTP, or beyond all size", b"") from None
        except Exception as error:  # whatever else foreign code makes of hostile bytes may have been paid for
            raise dropped(Billed.MAYBE, f"{type(error).__name__} while the reply was read") from None
        known = True
        body = kept(response.content)
        odd = strangers.look(response.headers.get("content-type", ""), body)
        return Reply(api, body, perf_counter() - began, told=told_limits(response.headers), odd=odd)

    async with client:
        yield post


def _unfinished(part: Unfinished, body: bytes, host: str, idle: float) -> Fault:
    """The fault behind a reply with success that came in part."""
    match part:
        case ReplyTooLarge():
            return too_large()
        case Stalled():
            return stalled(idle, body)
        case Undecodable():
            return unreadable("the reply is compressed in a way that cannot be undone", body)
        case BrokenOff():
            return _closed(host, body)
    raise part


def _closed(host: str, body: bytes = b"") -> Fault:
    return dropped(Billed.MAYBE, f"{host} closed the connection before the whole reply was there", body)


def _lost(error: openai.APIConnectionError, host: str, known: bool) -> Fault:
    """Tell a connection that was never made (not billed) from one that was lost (maybe billed).

    The transport maps both to a connect error, so the truth is in the chain of causes. `known` is whether the
    host has answered before: then a certificate that went bad is an outage, which may pass.
    """
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, aiohttp.ClientConnectorCertificateError):
            reason = str(getattr(cause.certificate_error, "verify_message", "")) or "it does not verify"
            return unreachable(f"{host}: {reason}") if known else untrusted(host, reason)
        if isinstance(cause, aiohttp.ClientConnectorError | aiohttp.ConnectionTimeoutError):
            reason = getattr(cause, "strerror", None) or type(cause).__name__
            return unreachable(f"cannot connect to {host}: {reason}")
        cause = cause.__cause__ or cause.__context__
    return _closed(host)
