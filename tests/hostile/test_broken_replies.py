"""A reply that breaks off, or cannot be read: asked for again, maybe billed, and what came of it is kept."""

from __future__ import annotations

import gzip
import sqlite3
import tracemalloc
import zlib
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from pipeline.core.domain import Fault, Reply
from pipeline.core.secret import Secret
from pipeline.job.models import Limits
from pipeline.journal.journal import Journal
from pipeline.providers.openai import connect_to
from tests.support.breaking import Broken, breaking_off
from tests.support.fakes import asked, chat_body, outcomes
from tests.support.lanes import around, shared_of
from tests.support.project import KEY
from tests.support.rawserver import response

BODY = chat_body("half of this is no answer")
HALF = BODY[: len(BODY) // 2]
PACKED = gzip.compress(BODY)
CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n%x\r\n" % len(BODY) + BODY + b"\r\n"
BROKEN = {  # name -> what is sent, the kind of fault, what is kept of it, and with a key
    "a body shorter than it was said to be": (
        response(BODY)[: -len(BODY)] + HALF, "disconnected", HALF, HALF,
    ),
    # the HTTP library gives nothing of a reply with bytes behind it that are no HTTP
    "a body longer than it was said to be": (response(HALF) + b"and more", "unreadable", b"", b""),
    "chunks without the last one": (CHUNKED, "disconnected", BODY, BODY),
    "gzip that is none": (response(b"no such", b"Content-Encoding: gzip"), "unreadable", b"no such", b""),
    "gzip that breaks off": (
        response(PACKED[:-9], b"Content-Encoding: gzip"), "unreadable", PACKED[:-9], b"",
    ),
    "an unknown encoding": (response(PACKED, b"Content-Encoding: br"), "unreadable", PACKED, b""),
}  # fmt: skip


@pytest.fixture
def journal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Journal]:
    """A journal, and retries that do not wait."""
    monkeypatch.setattr("pipeline.lanes.guards.retry.backoff", lambda attempt: 0.0)
    opened = Journal.open(tmp_path / "journal.sqlite")
    yield opened
    opened.close()


async def through_one_slot(
    seen: Broken, journal: Journal, key: str = "", idle: float = 60.0
) -> list[Reply | Fault]:
    """What two requests come to that are asked through a lane with one slot."""
    shared = shared_of()
    shared.journal = journal
    async with connect_to(seen.url, Secret(key), concurrency=1, timeout=20, idle=idle) as send:
        call, _ = around(send, Limits(concurrency=1, maybe_billed_retries=1), shared=shared)
        results = await outcomes(call, [asked("first"), asked("second")])
    await journal.settle()
    return results


def attempts(journal: Journal) -> list[tuple[str, str, bytes]]:
    """Outcome, what it may have cost, and the body of every attempt, in the order of the journal."""
    with closing(sqlite3.connect(journal.path)) as plain:
        return plain.execute("SELECT outcome, billed, body FROM attempts ORDER BY seq").fetchall()


def assert_each_has_its_own(results: list[Reply | Fault]) -> None:
    texts = [result.answer.text for result in results if isinstance(result, Reply) and result.answer]
    assert texts == ["answer to first", "answer to second"]


@pytest.mark.parametrize("key", ["", KEY], ids=["without a key", "with a key"])
@pytest.mark.parametrize("name", BROKEN)
async def test_a_broken_reply_is_asked_for_again_and_what_came_is_kept(
    name: str, key: str, journal: Journal
) -> None:
    sent, kind, kept, kept_with_a_key = BROKEN[name]
    async with breaking_off(sent) as seen:
        results = await through_one_slot(seen, journal, key)
    assert_each_has_its_own(results)
    assert len(seen.asked) == 3
    first, *others = attempts(journal)
    assert first == (kind, "maybe", kept_with_a_key if key else kept)
    assert [attempt[:2] for attempt in others] == [("answered", "yes")] * 2


async def test_a_reply_that_stalls_is_left_and_asked_for_again_and_what_came_is_kept(
    journal: Journal,
) -> None:
    async with breaking_off(response(BODY)[: -len(BODY)] + HALF, hangs=True) as seen:
        results = await through_one_slot(seen, journal, idle=0.3)
        await seen.left.wait()  # the connection is closed, not kept open beside its follower
    assert_each_has_its_own(results)
    assert attempts(journal)[0] == ("timeout", "maybe", HALF)


async def test_a_compressed_bomb_is_paid_for_once_and_fills_no_memory(journal: Journal) -> None:
    packer = zlib.compressobj(wbits=zlib.MAX_WBITS | 16)
    bomb = b"".join(packer.compress(bytes(1_000_000)) for _ in range(400)) + packer.flush()
    async with breaking_off(response(bomb, b"Content-Encoding: gzip")) as seen:
        tracemalloc.start()
        try:
            first, second = await through_one_slot(seen, journal)
            _, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
    assert isinstance(first, Fault) and first.kind == "too_large"
    assert isinstance(second, Reply)
    assert len(seen.asked) == 2, "what is too large once is too large again"
    assert attempts(journal)[0] == ("too_large", "yes", b"")
    assert peak < 64_000_000, "of the 400 MB that it unpacks to"
