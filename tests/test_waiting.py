"""The guards that let requests wait, each alone, on test time."""

from __future__ import annotations

import random
from collections.abc import Callable

import anyio
import pytest

from pipeline import tokens
from pipeline.domain import Answer, Call, Fate, Fault, Reply, Request, Usage
from pipeline.guards.cooled import cooled
from pipeline.guards.paced import paced
from pipeline.guards.retried import LONGEST_WAIT, OUTAGE, PATIENCE, backoff, retried
from pipeline.guards.slotted import slotted
from pipeline.tally import Tally
from tests.clock import on_test_time
from tests.fakes import Events, Provider, again, asked, outcomes, said

# retried


def test_a_retry_is_never_earlier_than_told() -> None:
    waits = [0.05, 1, 7.5, 119, 4000]
    provider = Provider([*(again("rate_limited", wait) for wait in waits), said("x")])
    on_test_time(lambda: retried(provider, 3, Events(), Tally())(asked("a")))
    gaps = [b - a for a, b in zip(provider.times, provider.times[1:], strict=False)]
    assert len(gaps) == len(waits)
    assert all(wait <= gap <= wait * 1.1 + 1e-6 for wait, gap in zip(waits, gaps, strict=True))


def test_backoff_is_full_jitter_below_a_doubling_bound() -> None:
    for attempt in [*range(1, 12), 2000, 10**9]:
        drawn = [backoff(attempt) for _ in range(400)]
        bound = min(LONGEST_WAIT, 2.0 ** min(attempt - 1, 10))
        assert all(0 <= wait <= bound for wait in drawn)
        assert min(drawn) < 0.1 * bound
        assert max(drawn) > 0.9 * bound


@pytest.mark.parametrize("retries", [0, 1, 6])
def test_used_up_retries_raise_the_last_fault(retries: int) -> None:
    provider = Provider([again()])
    with pytest.raises(Fault) as fault:
        on_test_time(lambda: retried(provider, retries, Events(), Tally())(asked("a")))
    assert fault.value.kind == "server_error"
    assert len(provider.requests) == retries + 1


@pytest.mark.parametrize("fate", [Fate.FAIL, Fate.STOP])
def test_what_asks_for_no_retry_is_not_retried(fate: Fate) -> None:
    provider = Provider([Fault("x", "y", fate=fate), said("x")])
    with pytest.raises(Fault):
        on_test_time(lambda: retried(provider, 6, Events(), Tally())(asked("a")))
    assert len(provider.requests) == 1


def test_a_rate_limit_uses_up_no_retries() -> None:
    provider = Provider([*[again("rate_limited", 1.0)] * 50, again(), said("x")])
    reply = on_test_time(lambda: retried(provider, 1, Events(), Tally())(asked("a")))
    assert reply == said("x")
    assert len(provider.requests) == 52


def test_a_rate_limit_without_an_end_is_bounded_by_time() -> None:
    provider = Provider([again("rate_limited")])
    with pytest.raises(Fault, match="rate_limited"):
        on_test_time(lambda: retried(provider, 6, Events(), Tally())(asked("a")))
    assert PATIENCE <= provider.times[-1] <= PATIENCE + LONGEST_WAIT


def test_very_many_short_waits_do_not_overflow() -> None:
    provider = Provider([*[again("rate_limited", 0.001)] * 1100, again("rate_limited"), said("x")])
    assert on_test_time(lambda: retried(provider, 1, Events(), Tally())(asked("a"))) == said("x")


def test_ten_requests_on_end_that_give_up_are_an_outage() -> None:
    call = retried(Provider([again()]), 1, Events(), Tally())
    results = on_test_time(lambda: outcomes(call, [asked(str(i)) for i in range(OUTAGE + 2)]))
    stops = [fault for fault in results if isinstance(fault, Fault) and fault.fate is Fate.STOP]
    assert len(stops) == 3
    assert stops[0].kind == "outage"
    assert "server_error" in stops[0].message


def test_one_answer_between_ends_the_count_towards_an_outage() -> None:
    provider = Provider([*[again()] * 9, said("x"), *[again()] * 9, said("x")])
    call = retried(provider, 0, Events(), Tally())

    async def main() -> list[Reply | Fault]:
        return [result for i in range(20) for result in await outcomes(call, [asked(str(i))])]

    assert not any(isinstance(r, Fault) and r.fate is Fate.STOP for r in on_test_time(main))


def test_events_say_nothing_of_the_prompt() -> None:
    events = Events()
    provider = Provider([again("rate_limited", 1.0), said("x")])
    on_test_time(lambda: retried(provider, 1, events, Tally())(asked("my secret prompt")))
    assert [name for name, _ in events.seen] == ["request.retried"]
    assert "secret" not in repr(events.seen)


# slotted


@pytest.mark.parametrize("slots", [1, 3, 16])
def test_never_more_than_the_slots_and_first_come_first_served(slots: int) -> None:
    provider = Provider(seconds=1)
    requests = [asked(str(i)) for i in range(50)]
    on_test_time(lambda: outcomes(slotted(provider, slots), requests))
    assert provider.most == slots
    assert provider.requests == requests


def test_a_failed_request_frees_its_slot() -> None:
    provider = Provider([Fault("bad_request", "no")], seconds=1)
    on_test_time(lambda: outcomes(slotted(provider, 2), [asked(str(i)) for i in range(10)]))
    assert provider.times[-1] == pytest.approx(4, abs=0.01)


def test_who_backs_off_holds_no_slot() -> None:
    provider = Provider([again("rate_limited", 1000.0), said("x")], seconds=1)
    call = retried(slotted(provider, 1), 3, Events(), Tally())
    on_test_time(lambda: outcomes(call, [asked(str(i)) for i in range(5)]))
    assert provider.times[:5] == pytest.approx([0, 1, 2, 3, 4], abs=0.01)


# paced

Amount = Callable[[Request], float]


def most_in_a_minute(provider: Provider, amount: Amount) -> float:
    """The most that passed in any 60 s, both ends counted, but for 50 ms."""
    sent = [(t, amount(r)) for t, r in zip(provider.times, provider.requests, strict=True)]
    most = total = 0.0
    first = 0
    for time, size in sent:
        total += size
        while sent[first][0] < time - 59.95:
            total -= sent[first][1]
            first += 1
        most = max(most, total)
    return most


def busy(call: Call, make: Callable[[int], Request], minutes: float, hands: int = 20) -> None:
    """Ask without a pause, with so many hands, for so many virtual minutes."""

    async def hand(number: int) -> None:
        i = number
        while True:
            await call(make(i))
            i += hands

    async def main() -> None:
        with anyio.move_on_after(minutes * 60):
            async with anyio.create_task_group() as group:
                for number in range(hands):
                    group.start_soon(hand, number)

    on_test_time(main)


@pytest.mark.parametrize("rpm", [1, 3, 10, 59, 60, 61, 62, 100, 500])
def test_requests_keep_the_limit_in_every_minute_and_use_it(rpm: int) -> None:
    provider = Provider()
    busy(paced(provider, rpm, None), lambda i: asked("a"), minutes=10)
    assert most_in_a_minute(provider, lambda _: 1) <= rpm
    assert len(provider.requests) >= 0.95 * 10 * rpm


@pytest.mark.parametrize("tpm", [2_000, 60_000])
def test_tokens_keep_the_limit_in_every_minute_but_for_one_request_and_use_it(tpm: int) -> None:
    provider = Provider()
    sizes = [random.Random(i).randint(1, 900) for i in range(97)]
    busy(paced(provider, None, tpm), lambda i: asked("a", max_tokens=sizes[i % 97]), minutes=10)
    largest = max(map(tokens.reserved, provider.requests))  # its tokens were saved up before the minute began
    assert most_in_a_minute(provider, tokens.reserved) <= tpm + largest
    assert sum(map(tokens.reserved, provider.requests)) >= 0.93 * 10 * tpm


@pytest.mark.parametrize(("rpm", "tpm"), [(30, 10_000), (60, 30_000), (600, 60_000)])
def test_both_limits_hold_together(rpm: int, tpm: int) -> None:
    provider = Provider()
    sizes = [random.Random(i).choice([10, 900]) for i in range(97)]
    busy(paced(provider, rpm, tpm), lambda i: asked("a", max_tokens=sizes[i % 97]), minutes=10)
    assert most_in_a_minute(provider, lambda _: 1) <= rpm
    assert most_in_a_minute(provider, tokens.reserved) <= tpm + max(map(tokens.reserved, provider.requests))


def test_there_is_no_burst_at_the_start() -> None:
    provider = Provider()
    busy(paced(provider, 600, None), lambda i: asked("a"), minutes=1)
    assert sum(time <= 1.0 for time in provider.times) <= 20


def test_a_long_prompt_is_not_starved_by_short_ones() -> None:
    provider = Provider()
    call = paced(provider, None, 1_000)

    async def main() -> None:
        requests = [asked(str(i), max_tokens=20) for i in range(10)]
        requests += [asked("long", max_tokens=900)] + [asked(str(i), max_tokens=20) for i in range(50)]
        await outcomes(call, requests)

    on_test_time(main)
    assert [i for i, body in enumerate(provider.bodies) if body["max_tokens"] == 900] == [10]


def test_a_request_larger_than_the_limit_passes_alone() -> None:
    provider = Provider()
    on_test_time(lambda: outcomes(paced(provider, None, 100), [asked("a", max_tokens=10_000)] * 2))
    assert len(provider.times) == 2
    assert provider.times[1] - provider.times[0] >= 59


def test_no_limit_is_no_guard() -> None:
    provider = Provider()
    assert paced(provider, None, None) is provider


async def test_a_cancelled_wait_gives_the_place_to_the_next() -> None:
    provider = Provider()
    call = paced(provider, 60, None)
    await call(asked("a"))
    with anyio.move_on_after(0.01):
        await call(asked("b"))
    with anyio.fail_after(5):
        await call(asked("c"))
    assert [body["messages"][0]["content"] for body in provider.bodies] == ["a", "c"]


@pytest.mark.parametrize("output", [20, 3000])
def test_what_replies_really_use_is_settled_where_no_limit_tells_it(output: int) -> None:
    tpm, provider = 60_000, Provider()
    used = Usage(input=10, output=output)

    async def send(request: Request) -> Reply:
        await provider(request)
        await anyio.sleep(2)
        return Reply("chat", b"", answer=Answer("x", usage=used))

    busy(paced(send, None, tpm), lambda i: asked("a"), minutes=10, hands=200)
    first = provider.times[0]
    late = sum(used.input + used.output for time in provider.times if time - first > 300) / 5
    assert 0.9 * tpm <= late <= 1.05 * tpm


def test_nobody_asks_a_server_before_the_time_it_told_one_of_them() -> None:
    provider = Provider([again("rate_limited", 30), said("x")])

    async def main() -> None:
        call = slotted(cooled(provider), 4)
        with pytest.raises(Fault):
            await call(asked("a"))
        async with anyio.create_task_group() as group:
            for i in range(20):
                group.start_soon(call, asked(str(i)))

    on_test_time(main)
    assert len(provider.times) == 21
    assert min(provider.times[1:]) - provider.times[0] >= 30


def test_a_fault_that_tells_no_time_holds_nobody_up() -> None:
    provider = Provider([again("server_error"), said("x")])

    async def main() -> None:
        call = cooled(provider)
        with pytest.raises(Fault):
            await call(asked("a"))
        await call(asked("b"))

    on_test_time(main)
    assert provider.times[1] - provider.times[0] < 0.01
