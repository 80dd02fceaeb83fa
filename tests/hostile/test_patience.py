"""A model may take its time: until the deadline for the first byte, and no longer than that for all."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from pipeline.core.domain import Billed, Fate, Fault
from pipeline.wire.conversation import read
from tests.support.fakes import asked
from tests.support.rawserver import response
from tests.support.wire import calling, met

DEADLINE = 3.0


@asynccontextmanager
async def thinking(seconds: float) -> AsyncIterator[str]:
    """The address of a server that sends nothing for so long, and then a whole answer."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        await asyncio.sleep(seconds)
        writer.write(response())
        writer.close()

    listening = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with listening:
        yield f"http://127.0.0.1:{listening.sockets[0].getsockname()[1]}/v1"


@pytest.mark.parametrize("late", [False, True], ids=["just before the deadline", "just after it"])
async def test_the_first_byte_may_come_until_the_deadline(late: bool) -> None:
    """However short the time in which a reply that has begun must go on."""
    async with (
        thinking(DEADLINE + (0.8 if late else -0.8)) as url,
        calling(url, timeout=DEADLINE, idle=0.2) as call,
    ):
        began = time.perf_counter()
        came = await met(call, asked("think"))
        took = time.perf_counter() - began
    if late:
        assert isinstance(came, Fault)
        assert (came.kind, came.fate, came.billed) == ("timeout", Fate.RETRY, Billed.MAYBE)
        assert took >= DEADLINE - 0.01
    else:
        assert not isinstance(came, Fault), came
        assert read(came).text == "hello"
        assert took >= DEADLINE - 0.81, "it was not there before"
