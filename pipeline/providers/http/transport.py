"""The transport under the SDK: aiohttp, with a cap on each reply and nothing added to a request.

No proxy of the environment is used, no `.netrc` read, no redirect followed. This module does not know what a
reply says, nor what a fault is.
"""

from __future__ import annotations

import asyncio
from functools import lru_cache
from typing import Any

import aiohttp
import httpx2
from openai._vendor.httpx_aiohttp.transport import AiohttpTransport

from pipeline.providers.http.body import LARGE_AT_ONCE, Body
from pipeline.providers.http.connections import RampedConnector


class CappedTransport(AiohttpTransport):
    """The SDK's own aiohttp transport, at most `concurrency` connections, at most `cap` bytes a reply, and

    at most `idle` seconds between two pieces of it.
    """

    def __init__(self, concurrency: int, cap: int, idle: float) -> None:
        self.connector = RampedConnector(concurrency)
        super().__init__(client=self._session)
        self._cap = cap
        self._idle = idle
        self._room = asyncio.Semaphore(LARGE_AT_ONCE)

    def _session(self) -> aiohttp.ClientSession:
        jar = aiohttp.DummyCookieJar()
        return aiohttp.ClientSession(connector=self.connector, cookie_jar=jar, trust_env=False)

    async def aclose(self) -> None:
        """End the connections, also where no request was ever sent."""
        await super().aclose()
        await self.connector.close()

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        response = await super().handle_async_request(request)
        assert isinstance(response.stream, httpx2.AsyncByteStream)  # noqa: S101 - narrows the type
        response.stream = Body(
            response.stream,
            response.headers.pop("content-encoding", "").strip().lower(),
            cap=self._cap,
            idle=self._idle,
            room=self._room,
            refusal=not response.is_success,
        )
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
