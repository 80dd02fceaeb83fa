"""Calls that are no questions: whatever comes back is an object or a fault, and no key is shown."""

from __future__ import annotations

import asyncio
import gzip
import json
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from functools import partial
from io import BytesIO

import pytest
from anyio import to_thread

from pipeline.core.domain import Billed, Fault
from pipeline.core.secret import Secret
from pipeline.providers.http.extras import NOTHING
from pipeline.providers.http.rest import MOST, rest_at
from tests.support.rawserver import raw_server, response

KEY = Secret("sk-" + "k" * 30)
HUGE = b'{"a": "' + b"x" * MOST + b'"}'


def got(url: str, timeout: float = 5) -> dict[str, object]:
    with rest_at(url, KEY, NOTHING, timeout) as rest:
        return rest.get("/jobs", limit=1)


@pytest.mark.parametrize(
    ("answer", "kind", "billed"),
    [
        (response(b"<html>"), "unreadable", Billed.MAYBE),
        (response(b"[1]"), "unreadable", Billed.MAYBE),
        (response(b"[" * 100_000), "unreadable", Billed.MAYBE),
        (response(b'{"a": \xff}'), "unreadable", Billed.MAYBE),
        (response(HUGE), "too_large", Billed.MAYBE),
        (b"", "disconnected", Billed.MAYBE),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n{", "disconnected", Billed.MAYBE),
        (b"\0\0\0\r\n\r\n", "disconnected", Billed.MAYBE),
        (response(b"{}", status=b"500 no"), "server_error", Billed.MAYBE),
        (response(b"{}", status=b"401 no"), "unauthorized", Billed.NO),
        (response(b"{}", b"Location: http://127.0.0.1:1/", status=b"302 no"), "redirected", Billed.NO),
    ],
)
async def test_whatever_goes_wrong_is_a_fault(answer: bytes, kind: str, billed: Billed) -> None:
    async with raw_server(answer) as seen:
        with pytest.raises(Fault) as caught:
            await to_thread.run_sync(partial(got, seen.url))
    assert (caught.value.kind, caught.value.billed) == (kind, billed)
    assert seen.connections == 1, "nothing is sent twice, and no redirect is followed"


async def test_a_server_that_says_nothing_is_not_waited_for_without_end() -> None:
    async with raw_server(b"HTTP/1.1 200 OK\r\n") as seen:
        with pytest.raises(Fault, match="gave no answer"):
            await to_thread.run_sync(partial(got, seen.url, 0.2))


async def test_nobody_at_the_address_means_that_nothing_was_sent() -> None:
    async with raw_server(b"") as seen:
        url = seen.url
    with pytest.raises(Fault) as caught:
        await to_thread.run_sync(partial(got, url))
    assert (caught.value.kind, caught.value.billed) == ("unreachable", Billed.NO)


async def test_the_key_is_sent_and_not_shown() -> None:
    said = json.dumps({"error": {"message": f"bad key {KEY.reveal()}"}, "id": KEY.reveal()}).encode()
    async with raw_server(response(said, status=b"401 no")) as seen:
        with pytest.raises(Fault) as caught:
            await to_thread.run_sync(partial(got, seen.url))
    assert KEY.reveal().encode() in seen.requests[0] and KEY.reveal() not in str(caught.value)
    assert b"x-stainless" not in seen.requests[0].lower()
    async with raw_server(response(said)) as seen:
        found = await to_thread.run_sync(partial(got, seen.url))
    assert KEY.reveal() not in str(found)


def downloaded(url: str, most: int = 1 << 20) -> bytes:
    into = BytesIO()
    with rest_at(url, KEY, NOTHING, 0.5) as rest:
        rest.download("/files/f/content", into, most)
    return into.getvalue()


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (response(b"<html>"), "unreadable"),
        (response(b"x" * (1 << 20) + b"x"), "too_large"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n{}\n", "disconnected"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\n{}\n\r\n", "disconnected"),
        (response(b"this is not packed", b"Content-Encoding: gzip"), "disconnected"),
        (response(b"{}", status=b"500 no"), "server_error"),
        (response(b"{}", b"Location: http://127.0.0.1:1/", status=b"302 no"), "redirected"),
    ],
)
async def test_a_file_that_does_not_come_as_a_whole_is_a_fault(answer: bytes, kind: str) -> None:
    async with raw_server(lambda number: answer if number == 0 else b"") as seen:
        with pytest.raises(Fault) as caught:
            await to_thread.run_sync(partial(downloaded, seen.url))
    assert caught.value.kind == kind and len(seen.requests) == 1


async def test_a_file_that_is_packed_is_unpacked_and_bounded_as_it_is_then() -> None:
    packed = response(gzip.compress(b"{}\n" * 100_000), b"Content-Encoding: gzip")
    async with raw_server(packed) as seen:
        assert await to_thread.run_sync(partial(downloaded, seen.url)) == b"{}\n" * 100_000
        with pytest.raises(Fault, match="larger than"):
            await to_thread.run_sync(partial(downloaded, seen.url, 299_999))


async def test_a_reply_that_comes_drop_by_drop_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pipeline.providers.http.rest.FILE_SECONDS", 0.2)
    async with dripping(0.05) as url:
        for call in (partial(got, url, 0.2), partial(slowly, url)):
            began = time.monotonic()
            with pytest.raises(Fault, match=r"no answer within 0\.2 s"):
                await to_thread.run_sync(call)
            assert time.monotonic() - began < 30


def slowly(url: str) -> None:
    with rest_at(url, KEY, NOTHING, 0.2) as rest:
        rest.download("/f", BytesIO(), 1 << 20)


@asynccontextmanager
async def dripping(pause: float) -> AsyncIterator[str]:
    """A server that sends a byte at a time, without end."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\n\r\n")
        with suppress(ConnectionError):
            while not writer.is_closing():
                writer.write(b" ")
                await writer.drain()
                await asyncio.sleep(pause)

    async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1"
