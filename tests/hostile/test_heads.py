"""Heads that are no HTTP, and bytes that are nothing at all: a fault of the right kind."""

from __future__ import annotations

import asyncio

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pipeline.core.domain import Fault
from pipeline.wire.conversation import read
from tests.support.fakes import asked
from tests.support.mutations import CHANGES, meet_mutation
from tests.support.project import KEY
from tests.support.rawserver import GOOD, raw_server, response
from tests.support.wire import calling, met

HEADS = {
    "a status that is none": b"HTTP/1.1 abc OK\r\n\r\n",
    "no status line": b"hello\r\n\r\n",
    "another protocol": b"SSH-2.0-OpenSSH_9.2\r\n",
    "the end of an HTTP/2 connection": bytes([0, 0, 8, 7, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]),
    "two lengths": b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello!",
    "a negative length": b"HTTP/1.1 200 OK\r\nContent-Length: -5\r\n\r\nhello",
    "a length beyond all size": b"HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999999\r\n\r\nhello",
    "a length and chunks": b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\nhello",
    "a chunk without a size": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nhello\r\n",
    "a chunk of a negative size": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n-1\r\nhello\r\n",
    "an unknown coding of transfer": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: x\r\n\r\nhello",
    "a header without a name": b"HTTP/1.1 200 OK\r\n: x\r\nContent-Length: 0\r\n\r\n",
    "bytes in a header": b"HTTP/1.1 200 OK\r\nx: \xff\xfe\x00\r\nContent-Length: 0\r\n\r\n",
    "five hundred headers": response(GOOD, *(b"x-%d: y" % n for n in range(500))),
    "a switch of protocols": response(b"", status=b"101 Switching Protocols"),
    "a status beyond all": response(b"{}", status=b"999 Odd"),
    "nothing but an interim status": b"HTTP/1.1 100 Continue\r\n\r\n" * 3,
    "not modified": response(b"", status=b"304 Not Modified"),
    "half a status line": b"HTTP/1.1 20",
}


@pytest.mark.parametrize("name", HEADS)
async def test_a_head_that_is_none_is_a_fault(name: str) -> None:
    def answer(n: int) -> bytes:
        return HEADS[name] if n == 0 else b""

    async with raw_server(answer) as seen, calling(seen.url, timeout=0.5) as call:
        came = await met(call, asked("a"))
    assert isinstance(came, Fault), read(came)
    assert came.kind in {"unreadable", "disconnected", "timeout", "server_error", "redirected"}
    assert len(came.message) < 300 and KEY not in came.message


async def test_a_server_that_hangs_up_before_it_has_read_may_have_billed() -> None:
    async def hang_up(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.transport.abort()

    listening = await asyncio.start_server(hang_up, "127.0.0.1", 0)
    async with listening:
        url = f"http://127.0.0.1:{listening.sockets[0].getsockname()[1]}/v1"
        async with calling(url) as call:
            came = await met(call, asked("a"))
    assert isinstance(came, Fault) and (came.kind, came.billed.value) == ("disconnected", "maybe")


async def test_a_host_that_nobody_listens_at_has_billed_nothing() -> None:
    async with calling("http://127.0.0.1:9/v1") as call:
        came = await met(call, asked("a"))
    assert isinstance(came, Fault) and (came.kind, came.billed.value) == ("unreachable", "no")


@settings(max_examples=40, suppress_health_check=list(HealthCheck))
@given(CHANGES, st.booleans())
async def test_any_bytes_are_a_reply_or_a_fault(changes: list[tuple[int, bytes]], cut: bool) -> None:
    await meet_mutation(changes, cut)
