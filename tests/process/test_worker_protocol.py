"""What an owner and its workers say to each other, and what strangers may say to an owner."""

from __future__ import annotations

import pickle
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import anyio
import pytest

from pipeline.runs.workers.protocol import Address, Channel, Stranger, connect, listen

KEY, WRONG = b"k" * 32, b"w" * 32
pytestmark = pytest.mark.anyio


@asynccontextmanager
async def listening(address: Address) -> AsyncIterator[tuple[Address, list[Channel]]]:
    """An owner, and the workers that have called."""
    came: list[Channel] = []

    async def joined(channel: Channel) -> None:
        channel.send("job", b"j" * 5000)
        came.append(channel)

    server = await listen(address, KEY, joined)
    async with server:
        name: Any = server.sockets[0].getsockname()
        yield (name if isinstance(name, str) else name[:2]), came


@pytest.mark.parametrize("local", [True, False])
async def test_messages_arrive_in_order_and_the_end_is_heard(tmp_path: Path, local: bool) -> None:
    async with listening(str(tmp_path / "s") if local else ("127.0.0.1", 0)) as (address, came):
        worker = await connect(address, KEY)
        assert await worker.receive() == [("job", b"j" * 5000)]
        for number in range(3):
            worker.send("number", number)
        assert await came[0].receive() == [("number", 0), ("number", 1), ("number", 2)]
        worker.close()
        assert await came[0].receive() is None


async def test_a_stranger_is_told_nothing_and_nothing_of_it_is_unpickled(tmp_path: Path) -> None:
    async with listening(str(tmp_path / "s")) as (address, came):
        with pytest.raises(Stranger):
            await connect(address, WRONG)
        assert not came


@pytest.mark.parametrize(
    "said", [b"\0\0\0\x05" + b"hello" * 9, b"\xff" * 1000, b"\0" * 4000, b"GET / HTTP/1.1\r\n\r\n"]
)
async def test_noise_ends_the_connection(tmp_path: Path, said: bytes) -> None:
    async with (
        listening(str(tmp_path / "s")) as (address, came),
        await anyio.connect_unix(str(address)) as noisy,
    ):
        await noisy.receive()
        await noisy.send(said)
        with anyio.fail_after(5), pytest.raises((anyio.EndOfStream, anyio.BrokenResourceError)):
            while True:
                await noisy.receive()
        assert not came


async def test_what_cannot_be_pickled_ends_the_channel_with_its_error(tmp_path: Path) -> None:
    async with listening(str(tmp_path / "s")) as (address, _):
        worker = await connect(address, KEY)
        await worker.receive()
        worker.send("lambda", lambda: 0)
        with anyio.fail_after(5), pytest.raises((pickle.PicklingError, AttributeError)):
            await worker.receive()
