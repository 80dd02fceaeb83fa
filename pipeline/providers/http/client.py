"""The HTTP behind every provider that speaks OpenAI's API.

`AsyncOpenAI` over the aiohttp transport, without the SDK's own retries: they would sleep inside a slot
and pass by the rate limits. The body is posted as the bytes the request carries and read raw, which
costs a fifth of `create`. No redirect is followed, no compressed reply asked for, the size of a reply is
capped, and a deadline holds for the whole call.
This module does not retry, count or read what an answer says, and does not know where a key came from.
"""

from __future__ import annotations

import logging
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

from pipeline.core.domain import Billed, Call, Fault, Reply, Request
from pipeline.core.secret import Secret
from pipeline.providers.http.body import ReplyTooLarge, Stalled, Undecodable, Unfinished
from pipeline.providers.http.strangers import NO_TLS, Strangers
from pipeline.providers.http.transport import CappedTransport, PlainClient
from pipeline.wire.faults import (
    REPLY_CAP,
    dropped,
    fault_of,
    not_https,
    stalled,
    timed_out,
    too_large,
    unreachable,
    unreadable,
    untrusted,
)
from pipeline.wire.headers import advertised_limits, advertised_wait

PATHS = {"chat": "/chat/completions", "responses": "/responses", "completions": "/completions"}
CONNECT_SECONDS = 30.0
OTHER_FILES = 128
"""files that are open besides the connections"""
OFFICIAL_HOST = "api.openai.com"
_COUNTED = dict.fromkeys(("X-Stainless-Retry-Count", "X-Stainless-Read-Timeout"), openai.Omit())
"""headers that the SDK adds to each request, which no endpoint needs"""


# OPENAI_LOG=debug would write down what servers send
logging.getLogger("openai._base_client").setLevel(logging.WARNING)


def _allow_sockets(concurrency: int) -> None:
    """Raise this process' own limit of open files to what the connections need, as far as it may be."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = concurrency + OTHER_FILES
    if soft != resource.RLIM_INFINITY and soft < wanted:
        most = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))


class _Client(openai.AsyncOpenAI):
    """The SDK's client without its headers about this machine, which every request would pay for."""

    @property
    def default_headers(self) -> dict[str, str | openai.Omit]:
        """What each request says of itself; the organisation, taken from the environment, to OpenAI alone."""
        headers: dict[str, str | openai.Omit] = {
            "Accept": "application/json",
            "Accept-Encoding": "identity",
            "Content-Type": "application/json",
            "User-Agent": f"AsyncOpenAI/Python {openai.__version__}",  # as the SDK names itself
        }
        if self.base_url.host == OFFICIAL_HOST:
            membership = {"OpenAI-Organization": self.organization, "OpenAI-Project": self.project}
            headers |= {name: value for name, value in membership.items() if value}
        return headers


def _client(base_url: str, transport: CappedTransport, patience: httpx2.Timeout) -> openai.AsyncOpenAI:
    """The SDK's client, which is not told the key: each request brings its own header."""
    http = PlainClient(transport=transport, timeout=patience, follow_redirects=False, trust_env=False)
    return _Client(api_key="none", base_url=base_url, http_client=http, max_retries=0, timeout=patience)


@asynccontextmanager
async def connection(
    base_url: str, key: Secret, api: str, concurrency: int, seconds: float, idle: float
) -> AsyncIterator[Call]:
    _allow_sockets(concurrency)
    patience = httpx2.Timeout(seconds, connect=CONNECT_SECONDS)
    transport = CappedTransport(concurrency, REPLY_CAP, idle)
    client = _client(base_url, transport, patience)
    async with client:
        yield _Endpoint(client, transport, base_url, key, api, patience, seconds, idle)


class _Endpoint:
    """A call to one address in one dialect. Whatever goes wrong with it is a `Fault`."""

    def __init__(
        self,
        client: openai.AsyncOpenAI,
        transport: CappedTransport,
        base_url: str,
        key: Secret,
        api: str,
        patience: httpx2.Timeout,
        seconds: float,
        idle: float,
    ) -> None:
        self._client = client
        self._connector = transport.connector
        self._url = base_url.rstrip("/") + PATHS[api]
        self._host = urlsplit(base_url).netloc.rpartition("@")[2]  # a password may stand before it
        self._key = key
        self._api = api
        self._patience = patience
        self._seconds = seconds
        self._idle = idle
        self._strangers = Strangers(self._host)
        self._known = False

    async def __call__(self, request: Request) -> Reply:
        began = perf_counter()
        try:
            with anyio.fail_after(self._seconds):
                response = await self._client.post(
                    self._url, content=request.body, cast_to=httpx2.Response, options=self._options()
                )
        except Exception as error:  # whatever foreign code makes of hostile bytes may have been paid for
            fault = self._fault(error)
        else:
            return self._reply(response, began)
        raise fault  # out here, so that it does not hold all that came, nor the key

    def _reply(self, response: httpx2.Response, began: float) -> Reply:
        self._known = True
        body = self._key.without(response.content)
        headers = _plain(response.headers)
        odd = self._strangers.look(self._kept(headers.get("content-type", "")), body)
        if self._connector.spoke_unasked:
            odd = f"{self._host} sends answers that nobody asked for; no connection is used twice"
        told, wait = advertised_limits(headers), advertised_wait(headers)
        return Reply(self._api, body, perf_counter() - began, advertised=told, wait=wait, odd=odd)

    def _options(self) -> Any:
        sent = f"Bearer {self._key.reveal()}" if self._key else openai.Omit()
        return {
            "headers": {**_COUNTED, "Authorization": sent},
            "idempotency_key": "-",  # never sent; without one the SDK makes one up for each request
            "max_retries": 0,
            "timeout": self._patience,
        }

    def _kept(self, words: str) -> str:
        """A server's words without the key, should it send that back."""
        return self._key.without(words.encode("utf-8", "replace")).decode("utf-8", "replace")

    def _fault(self, error: Exception) -> Fault:
        match error:
            case TimeoutError():
                return timed_out(self._seconds)
            case Unfinished():
                body = b"" if error.packed and self._key else self._key.without(error.body)
                return _unfinished(error, body, self._host, self._idle)
            case openai.APIStatusError():
                self._known = True
                headers = {name: self._kept(words) for name, words in error.response.headers.items()}
                return fault_of(error.status_code, headers, self._key.without(error.response.content))
            case openai.APIConnectionError():
                return _lost(error, self._host, self._known)
            case aiohttp.ClientResponseError():
                return unreadable("the reply's head is not HTTP, or beyond all size", b"")
        return dropped(Billed.MAYBE, f"{type(error).__name__} while the reply was read")


def _plain(headers: httpx2.Headers) -> dict[str, str]:
    """Headers by their lower-case names, the last of several; looking into the original costs much more."""
    return {name.decode("latin-1").lower(): words.decode("latin-1") for name, words in headers.raw}


def _unfinished(part: Unfinished, body: bytes, host: str, idle: float) -> Fault:
    """The fault behind a reply with success that came in part."""
    match part:
        case ReplyTooLarge():
            return too_large()
        case Stalled():
            return stalled(idle, body)
        case Undecodable():
            return unreadable("the reply is compressed in a way that cannot be undone", body)
    return _closed(host, body)


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
        if getattr(getattr(cause, "os_error", None), "reason", "") in NO_TLS and not known:
            return not_https(host)
        if isinstance(cause, aiohttp.ClientConnectorError | aiohttp.ConnectionTimeoutError):
            reason = getattr(cause, "strerror", None) or type(cause).__name__
            return unreachable(f"cannot connect to {host}: {reason}")
        cause = cause.__cause__ or cause.__context__
    return _closed(host)
