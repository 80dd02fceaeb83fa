"""A server that is down: who asks it meanwhile, who is given up, and how soon all is as before."""

from __future__ import annotations

from itertools import pairwise, product

import pytest

from pipeline.core.domain import Billed, Fate, Fault, Reply
from pipeline.job.models import Limits
from pipeline.lanes.lane import Lane
from pipeline.lanes.lanes import LEAST_HANDS
from pipeline.lanes.limits.circuit_breaker import CircuitBreaker
from pipeline.lanes.limits.limit import UNTIL_CHANGE, Ticket
from pipeline.money.estimate import Expected
from pipeline.testing.script import Quota, Rule, Script
from tests.support.fakes import again, asked, said
from tests.support.lanes import Outcome, numbered, through_a_lane

pytestmark = pytest.mark.simulated


def hands(lane: Lane) -> int:
    return max(LEAST_HANDS, 2 * lane.concurrency.width)


def outage(at: float, seconds: float, concurrency: int, rows: int, **limits: float) -> Outcome:
    """Requests of 0.2 s at a server that fails for a while."""
    down = Rule(fault="server_error", status=503, during=(at, at + seconds))
    script = Script(latency=0.2, faults=(down,))
    settings = Limits(concurrency=concurrency, **limits)
    return through_a_lane(script, numbered(rows), settings, hands=hands)


def rows_at(concurrency: int) -> int:
    """Enough to ask until an outage begins, while it lasts and afterwards."""
    return min(300 * concurrency, 2500)


def faults_of(outcome: Outcome) -> set[str]:
    return {result.kind for result in outcome.results if isinstance(result, Fault)}


def sent(outcome: Outcome, since: float, until: float, status: int = 503) -> int:
    """Requests that arrived so many seconds after the first one."""
    first = min(line.arrived for line in outcome.account.lines)
    return sum(
        since <= line.arrived - first < until and line.status == status for line in outcome.account.lines
    )


@pytest.mark.parametrize("concurrency", [1, 4, 64])
@pytest.mark.parametrize("at", [0, 5])
def test_a_short_outage_costs_nobody_his_tries_and_few_requests(concurrency: int, at: int) -> None:
    outcome = outage(at, 10, concurrency, rows_at(concurrency))
    assert outcome.answered == len(outcome.results)
    assert sent(outcome, at, at + 10) <= 10 + 2 * concurrency + 8


@pytest.mark.parametrize("concurrency", [1, 4, 64])
def test_a_long_outage_that_ends_costs_nobody_his_tries(concurrency: int) -> None:
    outcome = outage(5, 400, concurrency, rows_at(concurrency))
    assert outcome.answered == len(outcome.results)
    assert sent(outcome, 5, 405) <= 10 + 2 * concurrency + 30


@pytest.mark.parametrize(
    ("at", "concurrency", "patience"), [*product((0, 5), (1, 4), (60.0, 600.0, 3600.0)), (5, 64, 600.0)]
)
def test_an_outage_without_end_stops_the_run_and_fails_nobody(
    at: int, concurrency: int, patience: float
) -> None:
    outcome = outage(at, 1e9, concurrency, rows_at(concurrency), outage=patience)
    assert faults_of(outcome) == {"outage"}
    assert all(fault.fate is Fate.STOP for fault in outcome.results if isinstance(fault, Fault))
    assert at + patience <= outcome.seconds <= at + patience + 120
    last = max(line.arrived for line in outcome.account.lines)
    assert last - min(line.arrived for line in outcome.account.lines) >= at + patience


def test_the_rate_is_back_within_a_minute() -> None:
    down = Rule(fault="server_error", status=503, during=(30, 40))
    script = Script(latency=0.5, faults=(down,), quota=Quota(rpm=1200, burst=20))
    outcome = through_a_lane(script, numbered(3000), Limits(rpm=1200), hands=hands)
    assert outcome.answered == 3000
    assert sent(outcome, 60, 100, 200) >= 0.8 * 20 * 40
    assert sent(outcome, 100, 120, 200) >= 0.9 * 20 * 20


def test_one_poisonous_request_is_given_up_after_its_own_tries_and_opens_nothing() -> None:
    poison = Rule(fault="server_error", match="thing 7.")
    outcome = through_a_lane(Script(latency=0.2, faults=(poison,)), numbered(400), Limits(concurrency=4))
    assert [i for i, result in enumerate(outcome.results) if isinstance(result, Fault)] == [7]
    assert sum(line.status == 500 for line in outcome.account.lines) == 3
    assert outcome.lane.circuit_breaker.opened is None


@pytest.mark.parametrize("concurrency", [1, 4, 64])
def test_two_poisonous_requests_alone_at_the_end_are_given_up_in_bounded_time(concurrency: int) -> None:
    poison = (Rule(fault="server_error", match="thing 98."), Rule(fault="server_error", match="thing 99."))
    limits = Limits(concurrency=concurrency, outage=86_400)
    outcome = through_a_lane(Script(latency=0.2, faults=poison), numbered(100), limits, hands=hands)
    assert (outcome.answered, faults_of(outcome)) == (98, {"server_error"})
    assert outcome.seconds <= 300
    assert sum(line.status == 500 for line in outcome.account.lines) <= 20


@pytest.mark.parametrize("concurrency", [4, 64])
def test_many_poisonous_requests_are_given_up_and_not_taken_for_an_outage(concurrency: int) -> None:
    poison = tuple(Rule(fault="server_error", match=f"thing {i}") for i in (17, 29))
    limits = Limits(concurrency=concurrency, outage=86_400)
    script = Script(latency=0.2, faults=poison)
    outcome = through_a_lane(script, numbered(400), limits, hands=lambda lane: hands(lane) + 22)
    assert (outcome.answered, faults_of(outcome)) == (378, {"server_error"})
    assert outcome.seconds <= 300


def test_requests_that_failed_in_an_earlier_run_while_others_were_answered_open_nothing() -> None:
    circuit_breaker = CircuitBreaker(600.0)
    names = [str(i) for i in range(8)]
    circuit_breaker.evidence.remember(asked(name).digest for name in names)
    for name in names * 3:
        ticket = Ticket(asked(name), lambda _: Expected(0, 0, 0), 0.0, 0.0)
        circuit_breaker.settle(ticket, again(), 1.0)
        assert ticket.counted
    assert circuit_breaker.opened is None
    for i in range(10):
        circuit_breaker.settle(Ticket(asked(f"new {i}"), lambda _: Expected(0, 0, 0), 1.0, 1.0), again(), 2.0)
    assert circuit_breaker.opened == 2.0


def test_a_host_that_was_never_reached_is_given_up_early() -> None:
    circuit_breaker = CircuitBreaker(outage=600.0)
    now = 0.0
    fault = again("unreachable", billed=Billed.NO)
    with pytest.raises(Fault, match="outage"):
        while now < 600:
            ticket = Ticket(asked("x"), lambda _: Expected(0, 0, 0), now, now)
            now += circuit_breaker.delay(ticket, now)
            circuit_breaker.take(ticket, now)
            circuit_breaker.settle(ticket, fault, now)
    assert 30 <= now <= 40


def opened(outage: float = 600.0) -> CircuitBreaker:
    """One that ten requests have opened at 0."""
    circuit_breaker = CircuitBreaker(outage)
    for i in range(10):
        circuit_breaker.settle(Ticket(asked(str(i)), lambda _: Expected(0, 0, 0), -1.0, -1.0), again(), 0.0)
    assert circuit_breaker.opened == 0.0
    return circuit_breaker


def test_hours_in_which_nobody_could_ask_are_no_outage() -> None:
    circuit_breaker = opened()
    ticket = Ticket(asked("x"), lambda _: Expected(0, 0, 0), 9e4, 9e4)
    assert circuit_breaker.delay(ticket, 90_000.0) == 0.0
    circuit_breaker.take(ticket, 90_000.0)
    circuit_breaker.settle(ticket, said("x"), 90_001.0)
    assert circuit_breaker.opened is None


def test_a_probe_that_was_never_sent_makes_room_for_another() -> None:
    circuit_breaker = opened()
    probe, other = (Ticket(asked(x), lambda _: Expected(0, 0, 0), 2.0, 2.0) for x in "ab")
    circuit_breaker.take(probe, 2.0)
    assert circuit_breaker.delay(other, 2.0) == UNTIL_CHANGE
    circuit_breaker.settle(probe, None, 3.0)
    assert circuit_breaker.delay(other, 3.0) == 0.0


def test_a_late_answer_of_before_does_not_close_it_and_a_refusal_of_the_probe_does() -> None:
    circuit_breaker = opened()
    early, probe = (
        Ticket(asked(x), lambda _: Expected(0, 0, 0), 0.0, at) for x, at in (("a", -5.0), ("b", 2.0))
    )
    circuit_breaker.settle(early, said("x"), 1.0)
    assert circuit_breaker.opened == 0.0
    circuit_breaker.take(probe, 2.0)
    circuit_breaker.settle(probe, again("rate_limited", billed=Billed.NO), 3.0)
    assert circuit_breaker.opened is None


def test_probes_come_ever_more_seldom_and_cost_nobody_a_try() -> None:
    circuit_breaker, now, times = opened(), 0.0, list[float]()
    while now < 500:
        ticket = Ticket(asked("p"), lambda _: Expected(0, 0, 0), now, now)
        now += circuit_breaker.delay(ticket, now)
        times.append(now)
        circuit_breaker.take(ticket, now)
        circuit_breaker.settle(ticket, again(), now)
        assert not ticket.counted and ticket.probe
    gaps = [b - a for a, b in pairwise(times)]
    assert gaps[0] <= 2
    assert all(15 <= gap <= 30 for gap in gaps[8:])
    assert len(times) <= 45


def test_answers_go_on_through_single_faults() -> None:
    script = Script(latency=0.1, faults=(Rule(fault="server_error", share=0.15, times=1),))
    outcome = through_a_lane(script, numbered(500), Limits(concurrency=16))
    assert all(isinstance(result, Reply) for result in outcome.results)
    assert outcome.seconds < 60
