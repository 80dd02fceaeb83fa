"""The HTTP provider against servers that do what no server should, byte by byte."""

from __future__ import annotations

import asyncio
import gzip
import resource
import zlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from pipeline.conversation import read
from pipeline.domain import Fault, Reply, Request
from pipeline.providers.openai import connect_to
from pipeline.secret import Secret

ASKED = Request("chat", "m", b'{"model":"m","messages":[]}')
ANSWER = b'{"choices":[{"message":{"content":"hello"},"finish_reason":"stop"}]}'


@asynccontextmanager
async def server(reply: bytes) -> AsyncIterator[str]:
    """A server that answers every request with the same bytes."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            head = await reader.readuntil(b"\r\n\r\n")
            length = next(
                int(line.split(b":")[1]) for line in head.lower().split(b"\r\n") if b"content-length" in line
            )
            await reader.readexactly(length)
            writer.write(reply)
            await writer.drain()
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    listening = await asyncio.start_server(answer, "127.0.0.1", 0)
    async with listening:
        yield f"http://127.0.0.1:{listening.sockets[0].getsockname()[1]}/v1"


def with_head(body: bytes, encoding: str) -> bytes:
    """A whole response."""
    head = f"HTTP/1.1 200 OK\r\nContent-Encoding: {encoding}\r\nContent-Length: {len(body)}\r\n\r\n"
    return head.encode() + body


async def ask(reply: bytes) -> Reply:
    """What the provider makes of a response."""
    async with server(reply) as url, connect_to(url, Secret(), api="chat", concurrency=1, timeout=20) as call:
        return await call(ASKED)


@pytest.mark.parametrize(("encoding", "pack"), [("gzip", gzip.compress), ("deflate", zlib.compress)])
async def test_a_reply_that_is_compressed_all_the_same_is_read(encoding: str, pack: object) -> None:
    reply = await ask(with_head(pack(ANSWER), encoding))  # type: ignore[operator]
    assert read(reply).text == "hello" and reply.body == ANSWER


@pytest.mark.parametrize("encoding", ["br", "gzip"])
async def test_a_compression_that_cannot_be_undone_is_a_fault(encoding: str) -> None:
    with pytest.raises(Fault) as caught:
        await ask(with_head(b"no such thing", encoding))
    assert (caught.value.kind, caught.value.body) == ("unreadable", b"no such thing")


async def test_a_compressed_bomb_is_a_fault_and_fills_no_memory() -> None:
    packer = zlib.compressobj(wbits=zlib.MAX_WBITS | 16)
    bomb = b"".join(packer.compress(bytes(1_000_000)) for _ in range(400)) + packer.flush()
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(Fault) as caught:
        await ask(with_head(bomb, "gzip"))
    assert caught.value.kind == "too_large"
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 150_000
