"""Equal requests are one request, and what the journal knows is not asked again."""

from __future__ import annotations

import anyio
import pytest

from pipeline.core.domain import Fault, Reply, Request
from pipeline.core.progress import Progress
from pipeline.journal.journal import Journal
from pipeline.lanes.guards.lookup import lookup
from tests.support.fakes import Provider, asked, outcomes, said
from tests.support.lanes import kept


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
