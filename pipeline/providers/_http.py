"""The HTTP behind every provider that speaks OpenAI's API.

`AsyncOpenAI` over the aiohttp transport, without the SDK's own retries: they would sleep inside a slot
and pass by the rate limits. The body is posted as the bytes the request carries and read raw, which
costs a fifth of `create`. No redirect is followed, no compressed reply asked for, the size of a reply is
capped, and a deadline holds for the whole call.
This module does not retry, count or read what an answer says, and does not know where a key came from.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from functools import lru_cache
from time import perf_counter
from typing import Any
from urllib.parse import urlsplit

import aiohttp
import anyio
import httpx2
import openai
from openai._vendor.httpx_aiohttp.transport import AiohttpTransport

from pipeline.domain import Billed, Call, Fault, Reply, Request
from pipeline.providers._faults import REPLY_CAP, dropped, fault_of, timed_out, too_large, unreachable

PATHS = {"chat": "/chat/completions", "responses": "/responses", "completions": "/completions"}
CONNECT_SECONDS = 30.0
SHORTEST_SECRET = 12
"""characters; a shorter key could stand in any answer by chance"""
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


class _CappedStream(httpx2.AsyncByteStream):
    """A reply's body that ends with an error rather than fill the memory."""

    def __init__(self, stream: httpx2.AsyncByteStream, cap: int) -> None:
        self._stream = stream
        self._left = cap

    async def __aiter__(self) -> AsyncIterator[bytes]:
        async for chunk in self._stream:
            self._left -= len(chunk)
            if self._left < 0:
                raise ReplyTooLarge
            yield chunk

    async def aclose(self) -> None:
        await self._stream.aclose()


class ReplyTooLarge(Exception):
    """The reply's body passed `REPLY_CAP`."""


class _Transport(AiohttpTransport):
    """The SDK's own aiohttp transport, with a cap on each reply."""

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        response = await super().handle_async_request(request)
        assert isinstance(response.stream, httpx2.AsyncByteStream)  # noqa: S101 - narrows the type
        response.stream = _CappedStream(response.stream, REPLY_CAP)
        return response


class _Client(httpx2.AsyncClient):
    """An HTTP client that sends the SDK's requests as they are: it has no headers, cookies or base URL of

    its own, and merging nothing into each request costs a tenth of its CPU.
    """

    def build_request(self, method: str, url: httpx2.URL | str, **parts: Any) -> httpx2.Request:
        patience = {"timeout": parts["timeout"].as_dict()}
        return httpx2.Request(
            method, _parsed(url), content=parts["content"], headers=parts["headers"], extensions=patience
        )


@lru_cache(maxsize=8)
def _parsed(url: httpx2.URL | str) -> httpx2.URL:
    return httpx2.URL(url)


def _session(concurrency: int) -> Callable[[], aiohttp.ClientSession]:
    def build() -> aiohttp.ClientSession:
        connector = aiohttp.TCPConnector(limit=concurrency, keepalive_timeout=60)
        return aiohttp.ClientSession(connector=connector, cookie_jar=aiohttp.DummyCookieJar())

    return build


@asynccontextmanager
async def connection(
    base_url: str, key: str, api: str, concurrency: int, seconds: float
) -> AsyncIterator[Call]:
    transport = _Transport(client=_session(concurrency))
    patience = httpx2.Timeout(seconds, connect=CONNECT_SECONDS)
    http = _Client(transport=transport, timeout=patience, follow_redirects=False, trust_env=False)
    client = openai.AsyncOpenAI(
        api_key=key or "none",
        base_url=base_url,
        http_client=http,
        max_retries=0,
        timeout=patience,
        default_headers={"Accept-Encoding": "identity"},
    )
    url = base_url.rstrip("/") + PATHS[api]
    left_out = _TELEMETRY if key else (*_TELEMETRY, "Authorization")
    options: Any = {
        "headers": dict.fromkeys(left_out, openai.Omit()),
        "max_retries": 0,
        "timeout": patience,
    }

    def kept(body: bytes) -> bytes:
        """A body without the key, should a server send it back: bodies go into the journal."""
        return body.replace(key.encode(), b"***") if len(key) >= SHORTEST_SECRET else body

    async def post(request: Request) -> Reply:
        began = perf_counter()
        try:
            with anyio.fail_after(seconds):
                response = await client.post(
                    url,
                    content=request.body,
                    cast_to=httpx2.Response,
                    options=options,
                )
        except TimeoutError:
            raise timed_out(seconds) from None
        except ReplyTooLarge:
            raise too_large() from None
        except openai.APIStatusError as error:
            raise fault_of(error.status_code, error.response.headers, kept(error.response.content)) from None
        except openai.APIConnectionError as error:
            raise _lost(error, base_url) from None
        except (openai.OpenAIError, httpx2.HTTPError, aiohttp.ClientError, OSError) as error:
            raise dropped(Billed.MAYBE, f"{type(error).__name__} while the reply was read") from None
        return Reply(api, kept(response.content), perf_counter() - began)

    async with client:
        yield post


def _lost(error: openai.APIConnectionError, base_url: str) -> Fault:
    """Tell a connection that was never made (not billed) from one that was lost (maybe billed).

    The transport maps both to a connect error, so the truth is in the chain of causes.
    """
    host = urlsplit(base_url).netloc.rpartition("@")[2]  # a password may stand before it
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, aiohttp.ClientConnectorError | aiohttp.ConnectionTimeoutError):
            reason = getattr(cause, "strerror", None) or type(cause).__name__
            return unreachable(f"cannot connect to {host}: {reason}")
        cause = cause.__cause__ or cause.__context__
    return dropped(Billed.MAYBE, f"{host} closed the connection before the whole reply was there")
