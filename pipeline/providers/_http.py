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
from pipeline.faults import REPLY_CAP, dropped, fault_of, timed_out, too_large, unreachable
from pipeline.providers._transport import CappedTransport, PlainClient, ReplyTooLarge, Undecodable
from pipeline.waits import told_limits

PATHS = {"chat": "/chat/completions", "responses": "/responses", "completions": "/completions"}
CONNECT_SECONDS = 30.0
OTHER_FILES = 128
"""files that are open besides the connections"""
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


def _allow_sockets(concurrency: int) -> None:
    """Raise this process' own limit of open files to what the connections need, as far as it may be."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = concurrency + OTHER_FILES
    if soft != resource.RLIM_INFINITY and soft < wanted:
        most = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))


def _client(
    base_url: str, key: str, transport: CappedTransport, patience: httpx2.Timeout
) -> openai.AsyncOpenAI:
    http = PlainClient(transport=transport, timeout=patience, follow_redirects=False, trust_env=False)
    return openai.AsyncOpenAI(
        api_key=key or "none",
        base_url=base_url,
        http_client=http,
        max_retries=0,
        timeout=patience,
        default_headers={"Accept-Encoding": "identity"},
    )


@asynccontextmanager
async def connection(
    base_url: str, key: str, api: str, concurrency: int, seconds: float
) -> AsyncIterator[Call]:
    _allow_sockets(concurrency)
    patience = httpx2.Timeout(seconds, connect=CONNECT_SECONDS)
    client = _client(base_url, key, CappedTransport(concurrency, REPLY_CAP), patience)
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
        except Undecodable:
            raise dropped(Billed.MAYBE, "the reply is compressed in a way that cannot be undone") from None
        except (openai.OpenAIError, httpx2.HTTPError, aiohttp.ClientError, OSError) as error:
            raise dropped(Billed.MAYBE, f"{type(error).__name__} while the reply was read") from None
        told = told_limits(response.headers)
        return Reply(api, kept(response.content), perf_counter() - began, told=told)

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
