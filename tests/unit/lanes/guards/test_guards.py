"""The guards of what was paid for, each alone, then all guards together."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path

import anyio
import pytest

from pipeline.core.domain import Fate, Fault, Reply, Request
from pipeline.core.errors import DiskError, Interrupted, KeyRefused, OutOfQuota, RunStopped
from pipeline.core.progress import Progress
from pipeline.job.spec import Limits
from pipeline.journal import accounts
from pipeline.journal.journal import Journal
from pipeline.lanes.guards.fuse import Fuse, with_fuse
from pipeline.lanes.guards.lookup import lookup
from pipeline.lanes.guards.record import shield
from pipeline.lanes.lane import Shared
from tests.support.clock import on_test_time
from tests.support.fakes import Provider, again, asked, kept_reply, outcomes, said
from tests.support.lanes import around, kept, shared_of


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    opened = Journal.open(tmp_path / "journal.sqlite")
    yield opened
    opened.close()


# recalled


async def test_fifty_equal_requests_are_one(journal: Journal) -> None:
    provider = Provider([said("x")], seconds=0.01)
    progress = Progress()
    call = lookup(kept(provider, journal), journal, progress, {})
    replies = await outcomes(call, [asked("a", key=str(i)) for i in range(50)])
    assert len(provider.requests) == 1
    assert all(isinstance(reply, Reply) and reply.body == said("x").body for reply in replies)
    await call(asked("a"))
    assert (len(provider.requests), progress.recalled) == (1, 1)


async def test_different_requests_are_not_one(journal: Journal) -> None:
    provider = Provider(seconds=0.01)
    call = lookup(kept(provider, journal), journal, Progress(), {})
    await outcomes(call, [asked("a"), asked("b"), asked("a", seed=1), asked("a", seed=2)])
    assert len(provider.requests) == 4


async def test_followers_get_the_fault_of_their_leader(journal: Journal) -> None:
    provider = Provider([Fault("bad_request", "no"), said("x")], seconds=0.01)
    call = lookup(kept(provider, journal), journal, Progress(), {})
    faults = await outcomes(call, [asked("a")] * 20)
    assert {str(fault) for fault in faults} == {"bad_request: no"}
    assert len(provider.requests) == 1
    assert isinstance(await call(asked("a")), Reply)


async def test_a_cancelled_leader_leaves_nobody_waiting(journal: Journal) -> None:
    provider = Provider([said("x")], seconds=0.05)
    call = lookup(kept(provider, journal), journal, Progress(), {})
    results: list[Reply] = []

    async def follow() -> None:
        await anyio.sleep(0.01)
        results.append(await call(asked("a")))

    with anyio.fail_after(5):
        async with anyio.create_task_group() as group:
            for _ in range(5):
                group.start_soon(follow)
            with anyio.move_on_after(0.02):
                await call(asked("a"))
    assert len(results) == 5
    assert len(provider.requests) == 2


async def test_an_error_that_is_no_fault_strands_nobody(journal: Journal) -> None:
    async def broken(request: Request) -> Reply:
        await anyio.sleep(0.01)
        raise RuntimeError

    call = lookup(broken, journal, Progress(), {})
    seen = []

    async def ask() -> None:
        with pytest.raises(RuntimeError):
            await call(asked("a"))
        seen.append(1)

    with anyio.fail_after(5):
        async with anyio.create_task_group() as group:
            for _ in range(5):
                group.start_soon(ask)
    assert len(seen) == 5


async def test_an_unreadable_reply_from_a_killed_run_is_paid_for_once_more_and_not_ever_again(
    journal: Journal,
) -> None:
    await journal.record(asked("a"), Reply("chat", b"<html>"))
    provider = Provider([said("good")])
    for _ in range(3):
        call = lookup(kept(provider, journal), journal, Progress(), {})
        reply = await call(asked("a"))
        assert reply.answer is not None
        assert reply.answer.text == "good"
    assert len(provider.requests) == 1


# shielded


async def test_a_cancelled_walk_lets_the_sent_request_be_journalled(journal: Journal) -> None:
    provider = Provider([said("x")], seconds=0.05)
    call = shield(kept(provider, journal))
    with anyio.move_on_after(0.01) as scope:
        await call(asked("a"))
        await anyio.sleep(1)
    assert scope.cancelled_caught
    assert kept_reply(journal, asked("a").digest) is not None


async def test_who_was_cancelled_before_sending_sends_nothing() -> None:
    provider = Provider(seconds=0.01)
    call, _ = around(provider, Limits(concurrency=1))
    async with anyio.create_task_group() as group:
        group.start_soon(outcomes, call, [asked(str(i)) for i in range(10)])
        await anyio.sleep(0.005)
        group.cancel_scope.cancel()
    assert len(provider.requests) == 1


# fused


async def test_after_a_fatal_fault_nothing_passes() -> None:
    fuse = Fuse()
    provider = Provider([Fault("unauthorized", "key", fate=Fate.STOP), said("x")])
    call = with_fuse(provider, fuse)
    for _ in range(5):
        with pytest.raises(Fault, match="unauthorized"):
            await call(asked("a"))
    assert len(provider.requests) == 1
    assert fuse.scope.cancel_called


async def test_a_journal_that_cannot_be_written_blows_the_fuse() -> None:
    fuse = Fuse()

    async def full(request: Request) -> Reply:
        raise DiskError("full")

    with pytest.raises(DiskError):
        await with_fuse(full, fuse)(asked("a"))
    provider = Provider()
    with pytest.raises(Fault):
        await with_fuse(provider, fuse)(asked("b"))
    assert provider.requests == []
    with pytest.raises(DiskError):
        fuse.check()


async def test_other_faults_leave_the_fuse_whole() -> None:
    fuse = Fuse()
    call = with_fuse(Provider([Fault("bad_request", "x"), again(), said("x")]), fuse)
    for _ in range(2):
        with pytest.raises(Fault):
            await call(asked("a"))
    assert await call(asked("a")) == said("x")
    fuse.check()


@pytest.mark.parametrize(
    ("kind", "error"),
    [
        ("unauthorized", KeyRefused), ("forbidden", KeyRefused), ("not_found", RunStopped),
        ("out_of_quota", OutOfQuota), ("out_of_budget", OutOfQuota), ("maybe_billed", OutOfQuota),
        ("outage", RunStopped), ("refusing", RunStopped), ("all_refused", RunStopped),
        ("mostly_failing", RunStopped), ("deadline", RunStopped),
    ],
)  # fmt: skip
async def test_the_first_fatal_fault_names_the_error(kind: str, error: type[RunStopped]) -> None:
    fuse = Fuse()
    fuse.blow(Fault(kind, "the first", fate=Fate.STOP))
    fuse.blow(Fault("redirected", "the second", fate=Fate.STOP))
    with pytest.raises(error, match="the first") as raised:
        fuse.check()
    assert type(raised.value) is error
    assert raised.value.hint, "what to do about it"


async def test_an_interrupt_is_told_as_such() -> None:
    fuse = Fuse()
    fuse.interrupt("SIGINT")
    with pytest.raises(Interrupted, match="SIGINT"):
        fuse.check()


# all together


def kept_in(journal: Journal) -> Shared:
    shared = shared_of()
    shared.journal = journal
    return shared


async def in_scope(fuse: Fuse, main: Callable[[], Awaitable[object]]) -> None:
    with fuse.scope:
        await main()


@pytest.mark.parametrize("concurrency", [1, 4, 16])
async def test_a_dead_key_is_tried_once_a_slot_at_most(concurrency: int, journal: Journal) -> None:
    provider = Provider([Fault("unauthorized", "no", fate=Fate.STOP)], seconds=0.02)
    shared = kept_in(journal)
    call, _ = around(provider, Limits(concurrency=concurrency), shared=shared)
    await in_scope(shared.fuse, lambda: outcomes(call, [asked(str(i)) for i in range(100)]))
    assert len(provider.requests) <= concurrency
    with pytest.raises(KeyRefused):
        shared.fuse.check()


async def test_what_is_under_way_when_the_fuse_blows_is_journalled(journal: Journal) -> None:
    def slow_or_fatal(request: Request) -> Reply:
        if b"bad" in request.body:
            raise Fault("unauthorized", "no", fate=Fate.STOP)
        return said("x")

    async def send(request: Request) -> Reply:
        await anyio.sleep(0.01 if b"bad" in request.body else 0.06)
        return slow_or_fatal(request)

    shared = kept_in(journal)
    call, lane = around(send, Limits(concurrency=8), shared=shared)
    requests = [asked("bad"), *(asked(str(i)) for i in range(40))]
    await in_scope(shared.fuse, lambda: outcomes(call, requests))
    assert [kept_reply(journal, r.digest) is not None for r in requests] == [
        False,
        *[True] * 7,
        *[False] * 33,
    ]
    assert (lane.queue.waiting, lane.queue.in_flight, shared.budget.held.requests) == (0, 0, 0)
    progress = shared.progress
    assert (progress.sent, progress.answered, progress.in_flight) == (8, 7, 0)


def test_an_unreadable_reply_is_kept_and_asked_for_again(journal: Journal) -> None:
    provider = Provider([Reply("chat", b""), Reply("chat", b"<html>"), said("good")])

    async def main() -> tuple[Reply, Progress]:
        shared = kept_in(journal)
        call, _ = around(provider, Limits(concurrency=1, maybe_billed_retries=2), shared=shared)
        return await call(asked("a")), shared.progress

    reply, progress = on_test_time(main, patience=0.05)
    assert reply.answer is not None
    assert reply.answer.text == "good"
    assert {(o, n) for _, o, _, n, _ in accounts.by_outcome(journal)} == {("unreadable", 2), ("answered", 1)}
    assert (progress.sent, progress.answered, progress.faults["unreadable"]) == (3, 1, 2)
