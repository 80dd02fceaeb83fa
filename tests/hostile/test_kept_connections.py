"""A kept connection that the server closes between two requests, before or as the next one comes."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from pipeline.core.domain import Billed, Fate, Fault, Reply
from pipeline.job.models import Limits
from pipeline.journal import accounts
from pipeline.journal.journal import Journal
from pipeline.wire.conversation import read
from tests.support.breaking import breaking_off
from tests.support.fakes import asked, outcomes
from tests.support.lanes import around, shared_of
from tests.support.rawserver import raw_server, response
from tests.support.wire import calling, met


@pytest.fixture
def journal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Journal]:
    """A journal, and retries that do not wait."""
    monkeypatch.setattr("pipeline.lanes.guards.retry.backoff", lambda attempt: 0.0)
    opened = Journal.open(tmp_path / "journal.sqlite")
    yield opened
    opened.close()


async def test_a_connection_that_is_closed_between_requests_costs_no_request() -> None:
    """Each answer is the last one of its connection, which its head does not say."""
    served: list[int] = []

    async def answer_and_close(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).lower()
        await reader.readexactly(int(head.partition(b"content-length:")[2].split(b"\r\n")[0]))
        served.append(len(served))
        writer.write(response())
        await writer.drain()
        writer.close()

    listening = await asyncio.start_server(answer_and_close, "127.0.0.1", 0)
    async with listening:
        url = f"http://127.0.0.1:{listening.sockets[0].getsockname()[1]}/v1"
        async with calling(url) as call:
            for n in range(5):
                assert isinstance(await met(call, asked(str(n))), Reply)
                await asyncio.sleep(0.05)  # the end of the connection arrives
    assert len(served) == 5


async def test_one_that_is_closed_as_the_request_comes_may_have_been_billed() -> None:
    """Nobody knows whether the server has taken the request: the provider itself does not send it again."""

    def answer(n: int) -> bytes:
        return response() if n % 2 == 0 else b""

    async with raw_server(answer) as seen, calling(seen.url) as call:
        assert isinstance(await met(call, asked("a")), Reply)
        lost = await met(call, asked("b"))
        assert isinstance(lost, Fault)
        assert (lost.kind, lost.billed, lost.fate) == ("disconnected", Billed.MAYBE, Fate.RETRY)
        assert len(seen.requests) == 2


async def test_a_lane_sends_it_again_and_counts_what_it_may_have_cost(journal: Journal) -> None:
    shared = shared_of()
    shared.journal = journal
    async with breaking_off(b"") as seen, calling(seen.url) as send:
        call, _ = around(send, Limits(concurrency=1, maybe_billed_retries=1), shared=shared)
        results = await outcomes(call, [asked("a"), asked("b")])
    await journal.settle()
    assert [read(result).text for result in results if isinstance(result, Reply)] == [
        "answer to a", "answer to b",
    ]  # fmt: skip
    counted = {(outcome, billed): n for _, outcome, billed, n, _ in accounts.by_outcome(journal)}
    assert counted == {("disconnected", "maybe"): 1, ("answered", "yes"): 2}
