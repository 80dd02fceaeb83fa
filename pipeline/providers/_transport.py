"""The transport under the SDK: aiohttp, with a cap on each reply and nothing added to a request.

This module does not know what a reply says, nor what a fault is.
"""

from __future__ import annotations

import zlib
from collections.abc import AsyncIterator
from functools import lru_cache
from typing import Any

import aiohttp
import httpx2
from aiohttp.client_proto import ResponseHandler
from aiolimiter import AsyncLimiter
from openai._vendor.httpx_aiohttp.transport import AiohttpTransport

_INFLATED = {"gzip", "x-gzip", "deflate"}
RAMP, RAMP_SECONDS = 50, 0.25
"""new connections in any such time"""
_AUTO = zlib.MAX_WBITS | 32
"""zlib finds out by itself whether it is gzip or deflate"""


class ReplyTooLarge(Exception):
    """The reply's body passed the cap."""


class Undecodable(Exception):
    """The reply is compressed, which it was asked not to be, in a way that cannot be undone."""


class _CappedStream(httpx2.AsyncByteStream):
    """A reply's body that ends with an error rather than fill the memory, inflated a piece at a time."""

    def __init__(self, stream: httpx2.AsyncByteStream, cap: int, encoding: str) -> None:
        self._stream = stream
        self._left = cap
        self._inflate = zlib.decompressobj(_AUTO) if encoding in _INFLATED else None

    async def __aiter__(self) -> AsyncIterator[bytes]:
        async for chunk in self._stream:
            piece = self._plain(chunk)
            self._left -= len(piece)
            if self._left < 0:
                raise ReplyTooLarge
            yield piece

    def _plain(self, chunk: bytes) -> bytes:
        if self._inflate is None:
            return chunk
        try:
            return self._inflate.decompress(chunk, self._left + 1)
        except zlib.error:
            raise Undecodable from None

    async def aclose(self) -> None:
        await self._stream.aclose()


class CappedTransport(AiohttpTransport):
    """The SDK's own aiohttp transport, at most `concurrency` connections, at most `cap` bytes a reply."""

    def __init__(self, concurrency: int, cap: int) -> None:
        super().__init__(client=lambda: _session(concurrency))
        self._cap = cap

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        response = await super().handle_async_request(request)
        encoding = response.headers.pop("content-encoding", "identity").lower()
        if encoding != "identity" and encoding not in _INFLATED:
            await response.aclose()
            raise Undecodable
        assert isinstance(response.stream, httpx2.AsyncByteStream)  # noqa: S101 - narrows the type
        response.stream = _CappedStream(response.stream, self._cap, encoding)
        return response


class PlainClient(httpx2.AsyncClient):
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


class _RampedConnector(aiohttp.TCPConnector):
    """Opens new connections a few at a time: a thousand handshakes at once keep the loop from all else,

    and servers refuse who comes like that.
    """

    def __init__(self, concurrency: int) -> None:
        super().__init__(limit=concurrency, keepalive_timeout=60)
        self._ramp = AsyncLimiter(RAMP, RAMP_SECONDS)

    async def _create_connection(self, *args: Any, **kwargs: Any) -> ResponseHandler:
        async with self._ramp:
            return await super()._create_connection(*args, **kwargs)


def _session(concurrency: int) -> aiohttp.ClientSession:
    connector = _RampedConnector(concurrency)
    return aiohttp.ClientSession(connector=connector, cookie_jar=aiohttp.DummyCookieJar())
