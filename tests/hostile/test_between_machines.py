"""Somebody between an owner and its workers, who changes what they say: nothing of it is taken."""

from __future__ import annotations

import asyncio
import pickle
from collections.abc import Callable

import pytest

from pipeline.runs.workers.protocol import Channel, Stranger, connect, listen

KEY = b"k" * 32
Frames = list[bytes]
GREETINGS = 2
"""frames before the first message"""


class Bomb:
    """What must never be unpickled."""

    def __reduce__(self) -> tuple[Callable[[str], None], tuple[str]]:
        return pytest.fail, ("it was unpickled",)


def flipped(frame: bytes, _: Frames) -> Frames:
    return [frame[:9] + bytes([frame[9] ^ 1]) + frame[10:]]


def another(frame: bytes, _: Frames) -> Frames:
    return [pickle.dumps([("leaf", Bomb())]) + frame[-32:]]


def unsealed(_: bytes, __: Frames) -> Frames:
    return [pickle.dumps([("leaf", Bomb())])]


def empty(_: bytes, __: Frames) -> Frames:
    return [b""]


def again(_: bytes, before: Frames) -> Frames:
    return [before[-1]]


def nothing(_: bytes, __: Frames) -> Frames:
    return []


async def heard(change: Callable[[bytes, Frames], Frames] | None) -> list[str]:
    """What an owner hears of three messages, of which somebody changes the second."""
    said: list[str] = []
    over = asyncio.Event()

    async def on_worker(channel: Channel) -> None:
        while (messages := await channel.receive()) is not None:
            said.extend(one[0] for one in messages)
            if len(said) == 3:
                break
        over.set()

    async def passed_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there, back = await asyncio.open_connection(*place)
        answers = asyncio.create_task(_copied(there, writer))
        before: Frames = []
        try:
            while True:
                frame = await reader.readexactly(int.from_bytes(await reader.readexactly(4)))
                second = len(before) == GREETINGS + 1
                for one in change(frame, before) if change and second else [frame]:
                    back.write(len(one).to_bytes(4) + one)
                before.append(frame)
        except (asyncio.IncompleteReadError, OSError):
            back.close()
            answers.cancel()

    server = await listen(("127.0.0.1", 0), KEY, on_worker)
    place = server.sockets[0].getsockname()
    between = await asyncio.start_server(passed_on, "127.0.0.1", 0)
    channel = await connect(between.sockets[0].getsockname(), KEY)
    for word in ("first", "second", "third"):
        channel.send(word)
        await asyncio.sleep(0.02)
    async with asyncio.timeout(5):
        await over.wait()
    channel.close()
    between.close()
    server.close()
    return said


async def _copied(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while data := await reader.read(4096):
        writer.write(data)


async def test_what_nobody_changes_arrives() -> None:
    assert await heard(None) == ["first", "second", "third"]


@pytest.mark.parametrize("change", [flipped, another, unsealed, empty, again, nothing])
async def test_what_somebody_changes_is_not_taken_nor_what_follows(
    change: Callable[[bytes, Frames], Frames],
) -> None:
    assert await heard(change) == ["first"]


async def test_who_does_not_know_the_key_is_a_stranger() -> None:
    async def never(_: Channel) -> None:
        pytest.fail("a stranger was let in")

    server = await listen(("127.0.0.1", 0), KEY, never)
    with pytest.raises(Stranger):
        await connect(server.sockets[0].getsockname(), b"x" * 32)
    server.close()
