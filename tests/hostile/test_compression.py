"""The HTTP provider against servers that do what no server should, byte by byte."""

from __future__ import annotations

import gzip
import zlib

import pytest

from pipeline.core.domain import Fault, Reply, Request
from pipeline.core.secret import Secret
from pipeline.providers.openai import connect_to
from pipeline.wire.conversation import read
from tests.support.rawserver import GOOD, raw_server, response

ASKED = Request("chat", "m", b'{"model":"m","messages":[]}')


async def ask(body: bytes, encoding: str, key: str = "") -> Reply:
    """What the provider makes of a response with this body."""
    async with (
        raw_server(response(body, b"Content-Encoding: " + encoding.encode())) as server,
        connect_to(server.url, Secret(key), concurrency=1, timeout=20) as call,
    ):
        return await call(ASKED)


@pytest.mark.parametrize(("encoding", "pack"), [("gzip", gzip.compress), ("deflate", zlib.compress)])
async def test_a_reply_that_is_compressed_all_the_same_is_read(encoding: str, pack: object) -> None:
    reply = await ask(pack(GOOD), encoding)  # type: ignore[operator]
    assert read(reply).text == "hello" and reply.body == GOOD


@pytest.mark.parametrize("encoding", ["br", "gzip"])
async def test_a_compression_that_cannot_be_undone_is_a_fault(encoding: str) -> None:
    with pytest.raises(Fault) as caught:
        await ask(b"no such thing", encoding)
    assert (caught.value.kind, caught.value.body) == ("unreadable", b"no such thing")


@pytest.mark.parametrize("encoding", ["br", "gzip"])
async def test_what_cannot_be_rid_of_a_key_is_not_kept(encoding: str) -> None:
    with pytest.raises(Fault) as caught:
        await ask(gzip.compress(GOOD)[:-4], encoding, "sk-CANARY-abcDEF123456")
    assert (caught.value.kind, caught.value.body) == ("unreadable", b"")
