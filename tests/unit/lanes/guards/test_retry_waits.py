"""Whoever waits, waits long enough and not too long: retries alone, and whole lanes on the turned clock."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import anyio
import pytest

from pipeline.core.domain import Billed, Call, Fate, Fault, Reply, Request
from pipeline.core.progress import Progress
from pipeline.job.models import Limits
from pipeline.lanes.guards.retry import LONGEST_WAIT, REFUSED_ALIKE, backoff, retry
from pipeline.lanes.lane import Lane
from pipeline.lanes.limits.circuit_breaker import UNREACHED
from pipeline.testing.script import Rule, Script
from tests.support.clock import on_test_time
from tests.support.fakes import Events, Provider, again, asked, outcomes, said
from tests.support.lanes import around, numbered, through_a_lane

Outcomes = list[Reply | Fault]


def tried(
    provider: Provider, limits: Limits | None = None, after: int | None = None
) -> Callable[[], Awaitable[Reply]]:
    """One request to a provider, with retries and nothing else."""
    call = retry(provider, limits or Limits(), after, Events(), Progress())
    return lambda: call(asked("a"))


def asked_at_once(provider: Call, requests: list[Request], limits: Limits | None = None) -> Outcomes:
    """What requests come to that are asked through one lane at the same time."""
    return on_test_time(lambda: outcomes(around(provider, limits)[0], requests))


def different(count: int) -> list[Request]:
    return [asked(str(i)) for i in range(count)]


def fates(results: Outcomes) -> list[Fate]:
    return [result.fate for result in results if isinstance(result, Fault)]


# retried


def test_backoff_is_full_jitter_below_a_doubling_bound() -> None:
    for attempt in [*range(1, 12), 2000, 10**9]:
        drawn = [backoff(attempt) for _ in range(400)]
        bound = min(LONGEST_WAIT, 2.0 ** min(attempt - 1, 10))
        assert all(0 <= wait <= bound for wait in drawn)
        assert min(drawn) < 0.1 * bound
        assert max(drawn) > 0.9 * bound


@pytest.mark.parametrize("billed", [Billed.NO, Billed.MAYBE])
@pytest.mark.parametrize("retries", [0, 1, 6])
def test_used_up_retries_raise_the_last_fault(retries: int, billed: Billed) -> None:
    unbilled = billed is Billed.NO
    limits = Limits(retries=retries if unbilled else 9, maybe_billed_retries=9 if unbilled else retries)
    provider = Provider([again(billed=billed)])
    with pytest.raises(Fault) as fault:
        on_test_time(tried(provider, limits))
    assert fault.value.kind == "server_error"
    assert len(provider.requests) == retries + 1


def test_each_class_of_faults_has_its_own_allowance() -> None:
    free, dear = again("unreachable", billed=Billed.NO), again()
    provider = Provider([dear, free, free, dear, free, said("x")])
    assert on_test_time(tried(provider, Limits(retries=3, maybe_billed_retries=2))) == said("x")
    assert [request.attempt for request in provider.requests] == [1, 2, 3, 4, 5, 6]


@pytest.mark.parametrize("fate", [Fate.FAIL, Fate.STOP])
def test_what_asks_for_no_retry_is_not_retried(fate: Fate) -> None:
    provider = Provider([Fault("x", "y", fate=fate), said("x")])
    with pytest.raises(Fault):
        on_test_time(tried(provider))
    assert len(provider.requests) == 1


def test_a_rate_limit_uses_up_no_retries() -> None:
    provider = Provider([*[again("rate_limited", 1.0)] * 50, again(), said("x")])
    limits = Limits(retries=1, maybe_billed_retries=1)
    assert on_test_time(tried(provider, limits)) == said("x")
    assert len(provider.requests) == 52


def test_a_try_that_is_not_counted_uses_up_no_retries() -> None:
    probe = again().but(counted=False)
    provider = Provider([*[probe] * 50, said("x")])
    assert on_test_time(tried(provider, Limits(retries=0, maybe_billed_retries=0))) == said("x")
    assert provider.times[-1] < 50, "it waits for its lane, and not longer from try to try"


def test_with_another_model_behind_it_a_request_gives_up_sooner() -> None:
    provider = Provider([again()])
    with pytest.raises(Fault, match="server_error"):
        on_test_time(tried(provider, Limits(retries=9, maybe_billed_retries=9), after=3))
    assert len(provider.requests) == 3


def test_the_first_requests_all_refused_as_wrong_stop_the_run() -> None:
    call = retry(Provider([Fault("bad_request", "no")]), Limits(), None, Events(), Progress())
    results = on_test_time(lambda: outcomes(call, different(REFUSED_ALIKE)))
    assert fates(results).count(Fate.STOP) == 1
    (stop,) = (fault for fault in results if isinstance(fault, Fault) and fault.fate is Fate.STOP)
    assert stop.kind == "all_refused"
    assert "bad_request" in stop.message


def test_one_answer_before_them_makes_refusals_the_rows_own() -> None:
    call = retry(Provider([said("x"), Fault("bad_request", "no")]), Limits(), None, Events(), Progress())
    results = on_test_time(lambda: outcomes(call, different(4 * REFUSED_ALIKE)))
    assert set(fates(results)) == {Fate.FAIL}


def test_events_say_nothing_of_the_prompt() -> None:
    events = Events()
    call = retry(Provider([again(), said("x")]), Limits(), None, events, Progress())
    on_test_time(lambda: call(asked("my secret prompt")))
    assert [name for name, _ in events.seen] == ["request.retried"]
    assert "secret" not in repr(events.seen)


# a server that says when


def test_a_retry_is_never_earlier_than_told() -> None:
    waits = [0.05, 1, 7.5, 119, 4000]
    provider = Provider([*(again("rate_limited", wait, Billed.NO) for wait in waits), said("x")])
    (reply,) = asked_at_once(provider, [asked("a")])
    assert isinstance(reply, Reply)
    gaps = [b - a for a, b in zip(provider.times, provider.times[1:], strict=False)]
    assert len(gaps) == len(waits)
    assert all(wait <= gap <= wait + 0.3 for wait, gap in zip(waits, gaps, strict=True))


def test_a_server_that_is_down_may_say_when_too() -> None:
    provider = Provider([again("server_error", 500), said("x")])
    assert isinstance(asked_at_once(provider, [asked("a")])[0], Reply)
    assert provider.times[1] >= 500


def test_nobody_asks_a_server_before_the_time_it_told_one_of_them() -> None:
    provider = Provider([again("rate_limited", 30, Billed.NO), said("x")])

    async def main() -> None:
        call, _ = around(provider, Limits(concurrency=4))
        async with anyio.create_task_group() as group:
            group.start_soon(outcomes, call, [asked("a")])
            await anyio.sleep(1)
            group.start_soon(outcomes, call, different(20))

    on_test_time(main)
    assert len(provider.times) == 22
    assert min(provider.times[1:]) - provider.times[0] >= 30


def test_a_fault_that_tells_no_time_holds_nobody_up() -> None:
    provider = Provider([Fault("bad_request", "no"), again("server_error"), said("x")])
    results = asked_at_once(provider, different(10), Limits(concurrency=1))
    assert sum(isinstance(result, Reply) for result in results) == 9
    assert provider.times[9] < 0.01


def test_a_rate_limit_without_an_end_stops_the_run_after_its_patience() -> None:
    provider = Provider([again("rate_limited", billed=Billed.NO)])
    results = asked_at_once(provider, different(3), Limits(concurrency=2, outage=600))
    assert {fault.kind for fault in results if isinstance(fault, Fault)} == {"refusing"}
    assert fates(results) == [Fate.STOP] * 3
    assert provider.times[-1] + LONGEST_WAIT >= 600
    assert provider.times[-1] <= 600 + LONGEST_WAIT
    assert len(provider.times) < 100, "a server that refuses is asked less and less"


def test_very_many_short_waits_do_not_overflow() -> None:
    told, untold = again("rate_limited", 0.001, Billed.NO), again("rate_limited", billed=Billed.NO)
    provider = Provider([*[told] * 1100, untold, said("x")])
    assert isinstance(asked_at_once(provider, [asked("a")])[0], Reply)


# a server that is down


def test_requests_on_end_that_come_to_nothing_are_an_outage_and_no_rows_fault() -> None:
    provider = Provider([again()])
    results = asked_at_once(
        provider, different(40), Limits(concurrency=16, maybe_billed_retries=1, outage=300)
    )
    assert fates(results) == [Fate.STOP] * 40
    assert {fault.kind for fault in results if isinstance(fault, Fault)} == {"outage"}
    assert "server_error" in str(results[0])
    assert 250 < provider.times[-1] < 300 + LONGEST_WAIT
    assert len(provider.times) < 60, "one request at a time, at growing intervals"


def test_a_host_that_was_never_reached_is_waited_for_less_long() -> None:
    provider = Provider([again("unreachable", billed=Billed.NO)])
    results = asked_at_once(provider, different(40), Limits(outage=600, concurrency=16))
    assert fates(results) == [Fate.STOP] * 40
    assert provider.times[-1] < UNREACHED + LONGEST_WAIT


@pytest.mark.parametrize("requests", [1, 3, 9])
def test_a_few_requests_to_a_host_that_is_not_there_are_over_soon(requests: int) -> None:
    provider = Provider([again("unreachable", billed=Billed.NO)])
    results = asked_at_once(provider, different(requests), Limits(retries=0, outage=2, concurrency=4))
    assert all(isinstance(result, Fault) for result in results)
    assert provider.times[-1] < 20


def test_one_answer_between_ends_the_count_towards_an_outage() -> None:
    provider = Provider([*[again()] * 9, said("x"), *[again()] * 9, said("x")])

    async def main() -> Outcomes:
        call, _ = around(provider, Limits(concurrency=1, maybe_billed_retries=0))
        return [result for i in range(20) for result in await outcomes(call, [asked(str(i))])]

    assert Fate.STOP not in fates(on_test_time(main))


def test_a_server_that_comes_back_is_asked_on_and_no_row_has_failed() -> None:
    async def down_for_two_minutes(request: Request) -> Reply:
        if anyio.current_time() < 120:
            raise again()
        return said("x")

    limits = Limits(concurrency=16, maybe_billed_retries=1, outage=300)
    assert all(
        isinstance(result, Reply) for result in asked_at_once(down_for_two_minutes, different(40), limits)
    )


# slots


@pytest.mark.parametrize("slots", [1, 3, 16])
def test_never_more_than_the_slots_and_first_come_first_served(slots: int) -> None:
    provider = Provider(seconds=1)
    requests = different(50)
    asked_at_once(provider, requests, Limits(concurrency=slots))
    assert provider.most == slots
    assert provider.requests == requests


def test_a_failed_request_frees_its_slot() -> None:
    provider = Provider([said("x"), Fault("bad_request", "no")], seconds=1)
    asked_at_once(provider, different(10), Limits(concurrency=2))
    assert provider.times[-1] == pytest.approx(4, abs=0.01)


def test_who_backs_off_holds_no_slot() -> None:
    provider = Provider([again(), said("x")], seconds=1)
    asked_at_once(provider, different(5), Limits(concurrency=1))
    assert provider.times == pytest.approx([0, 1, 2, 3, 4, 5], abs=0.01)


async def test_a_cancelled_wait_gives_the_place_to_the_next() -> None:
    provider = Provider()
    call, lane = around(provider, Limits(rpm=60))
    await call(asked("a"))
    with anyio.move_on_after(0.01):
        await call(asked("b"))
    with anyio.fail_after(5):
        await call(asked("c"))
    assert [body["messages"][0]["content"] for body in provider.bodies] == ["a", "c"]
    assert (lane.queue.waiting, lane.queue.in_flight) == (0, 0)


def test_through_a_scripted_server_no_retry_is_earlier_than_it_told() -> None:
    script = Script(latency=0.05, faults=(Rule(every=3, times=1, fault="rate_limit", retry_after=2.5),))
    done = through_a_lane(script, numbered(60), Limits(concurrency=4))
    assert (done.answered, done.account.repeats) == (60, 0)
    refused = [line for line in done.account.lines if line.status == 429]
    assert refused
    for refusal in refused:
        later = [line.arrived for line in done.account.lines if line.arrived > refusal.at]
        assert not later or min(later) >= refusal.at + 2.5


def test_a_lane_says_what_it_waited_for() -> None:
    lanes: list[Lane] = []

    async def main() -> None:
        call, lane = around(Provider(seconds=0.1), Limits(rpm=60, concurrency=8))
        lanes.append(lane)
        await outcomes(call, different(10))

    on_test_time(main)
    held = lanes[0].queue.held
    assert max(held, key=lambda name: held[name]) == "rpm"
    assert held["rpm"] == pytest.approx(9, abs=0.5)
