"""A lane's rates hold in every minute and are used up: whole lanes on the turned clock."""

from __future__ import annotations

import random
from collections.abc import Awaitable, Callable

import anyio
import pytest

from pipeline.core.domain import Answer, Billed, Call, Fate, Fault, Reply, Request, Usage
from pipeline.core.errors import KeyRefused
from pipeline.core.progress import Progress
from pipeline.job.models import Limits
from pipeline.journal import accounts
from pipeline.journal.journal import Journal
from pipeline.lanes.guards.fuse import Fuse
from pipeline.lanes.lane import Shared
from pipeline.money import tokens
from tests.support.clock import on_test_time
from tests.support.fakes import Provider, again, asked, kept_reply, outcomes, said
from tests.support.lanes import around, shared_of

pytestmark = pytest.mark.simulated

Amount = Callable[[Request], float]


def reserved(request: Request) -> float:
    """Tokens that are set aside for a request before it is sent: its input, and the most it may have."""
    size = tokens.size(request)
    return size.input + (size.limit or tokens.DEFAULT_OUTPUT)


def one(request: Request) -> float:
    """Every request counts as much."""
    return 1


def most_in_a_minute(provider: Provider, amount: Amount, minute: float = 60.0) -> float:
    """The most that passed in any 60 s, both ends counted, but for 50 ms."""
    sent = [(t, amount(r)) for t, r in zip(provider.times, provider.requests, strict=True)]
    most = total = 0.0
    first = 0
    for time, size in sent:
        total += size
        while sent[first][0] < time - minute + 0.05:
            total -= sent[first][1]
            first += 1
        most = max(most, total)
    return most


def busy(
    send: Call, limits: Limits, make: Callable[[int], Request], minutes: float = 10, hands: int = 20
) -> None:
    """Ask without a pause, with so many hands, for so many minutes of the turned clock."""

    async def main() -> None:
        call, _ = around(send, limits)

        async def hand(number: int) -> None:
            i = number
            while anyio.current_time() < minutes * 60:
                await call(make(i))
                i += hands

        with anyio.move_on_after(minutes * 60):
            async with anyio.create_task_group() as group:
                for number in range(hands):
                    group.start_soon(hand, number)

    on_test_time(main)


@pytest.mark.parametrize("rpm", [1, 3, 10, 59, 60, 61, 62, 100, 500])
def test_requests_keep_the_limit_in_every_minute_and_use_it(rpm: int) -> None:
    provider = Provider()
    busy(provider, Limits(rpm=rpm), lambda i: asked(str(i)))
    assert most_in_a_minute(provider, one) <= rpm
    assert len(provider.requests) >= 0.95 * 10 * rpm


@pytest.mark.parametrize(("tpm", "share"), [(2_000, 0.8), (60_000, 0.93)])
def test_tokens_keep_the_limit_in_every_minute_and_use_it(tpm: int, share: float) -> None:
    """Requests of half the limit cannot fill every minute, and may not pass it either."""
    provider = Provider()
    sizes = [random.Random(i).randint(1, 900) for i in range(97)]
    busy(provider, Limits(tpm=tpm), lambda i: asked(str(i), max_tokens=sizes[i % 97]))
    assert most_in_a_minute(provider, reserved) <= tpm
    assert sum(map(reserved, provider.requests)) >= share * 10 * tpm


@pytest.mark.parametrize(("rpm", "tpm"), [(30, 10_000), (60, 30_000), (600, 60_000)])
def test_both_limits_hold_together(rpm: int, tpm: int) -> None:
    provider = Provider()
    sizes = [random.Random(i).choice([10, 900]) for i in range(97)]
    busy(provider, Limits(rpm=rpm, tpm=tpm), lambda i: asked(str(i), max_tokens=sizes[i % 97]))
    assert most_in_a_minute(provider, one) <= rpm
    assert most_in_a_minute(provider, reserved) <= tpm


def test_a_days_limit_holds_in_any_day() -> None:
    provider = Provider()
    busy(provider, Limits(rpd=50, concurrency=4), lambda i: asked(str(i)), minutes=3 * 24 * 60)
    assert most_in_a_minute(provider, one, 86_400) <= 50
    assert len(provider.requests) == 3 * 50


def test_there_is_no_burst_at_the_start() -> None:
    provider = Provider()
    busy(provider, Limits(rpm=600), lambda i: asked(str(i)), minutes=1)
    assert sum(time <= 1.0 for time in provider.times) <= 20


def test_refused_requests_count_against_the_limit_too() -> None:
    provider = Provider([again("rate_limited", 0.01, Billed.NO)] * 30 + [said("x")])
    busy(provider, Limits(rpm=60), lambda i: asked(str(i)), minutes=5)
    assert most_in_a_minute(provider, one) <= 60


def test_a_long_prompt_is_not_starved_by_short_ones() -> None:
    provider = Provider()
    requests = [asked(str(i), max_tokens=20) for i in range(10)]
    requests += [asked("long", max_tokens=900)] + [asked(f"after {i}", max_tokens=20) for i in range(50)]
    on_test_time(lambda: outcomes(around(provider, Limits(tpm=1_000))[0], requests))
    assert [i for i, body in enumerate(provider.bodies) if body["max_tokens"] == 900] == [10]


def test_a_request_larger_than_the_limit_passes_alone() -> None:
    provider = Provider()
    requests = [asked(text, max_tokens=10_000) for text in "ab"]
    on_test_time(lambda: outcomes(around(provider, Limits(tpm=100))[0], requests))
    assert len(provider.times) == 2
    assert provider.times[1] - provider.times[0] >= 59


def test_without_a_limit_nobody_waits() -> None:
    provider = Provider()
    on_test_time(
        lambda: outcomes(around(provider, Limits(concurrency=4))[0], [asked(str(i)) for i in range(999)])
    )
    assert provider.times[-1] < 0.01


@pytest.mark.parametrize("output", [20, 1500])
def test_what_replies_really_use_is_settled_where_no_limit_tells_it(output: int) -> None:
    tpm, provider = 30_000, Provider()
    used = Usage(input=10, output=output)

    async def send(request: Request) -> Reply:
        await provider(request)
        await anyio.sleep(2)
        return Reply("chat", b"", answer=Answer("x", usage=used))

    busy(send, Limits(tpm=tpm, concurrency=400), lambda i: asked(str(i)), hands=200)
    first = provider.times[0]
    late = sum(used.input + used.output for time in provider.times if time - first > 300) / 5
    assert 0.9 * tpm <= late <= 1.05 * tpm


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
