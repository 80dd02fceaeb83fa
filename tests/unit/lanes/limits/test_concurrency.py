"""The width that is found, against simulated servers. All times are simulated.

Delivered in 20 s, from a width of 16 and without refusals, as a share of what the best fixed width delivers
(worst and best of 5 seeds where latencies are lognormal with that sigma; mean latency 100 ms):

| capacity | constant | sigma 0.3 | sigma 1 |
| --- | --- | --- | --- |
| 1 | 1.00 | 1.00 to 1.00 | 1.00 to 1.00 |
| 4 | 0.98 | 0.98 to 0.98 | 0.91 to 1.00 |
| 50 | 0.99 | 0.98 to 0.99 | 0.94 to 0.99 |
| 200 | 0.95 | 0.96 to 0.97 | 0.94 to 0.94 |
| 1000 | 0.92 | 0.93 to 0.94 | 0.94 to 0.94 |
"""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.core.domain import Fault, Request
from pipeline.lanes.limits._growth import Growth, Stage
from pipeline.lanes.limits._rounds import Round
from pipeline.lanes.limits.concurrency import Concurrency
from pipeline.lanes.limits.limit import UNTIL_CHANGE, End, Ticket
from pipeline.money.estimate import Expected
from tests.support.simulated_server import (
    BROKEN,
    CAPACITIES,
    REFUSED,
    REPLY,
    Server,
    Simulation,
    share_of_best,
)

pytestmark = pytest.mark.simulated


def ticket(sent: float = 0.0, attempt: int = 1) -> Ticket:
    return Ticket(Request("chat", "m", b"{}", attempt=attempt), lambda request: Expected(0, 0, 0), sent, sent)


@pytest.mark.parametrize("capacity", CAPACITIES)
def test_of_what_the_best_fixed_width_delivers_at_least_85_percent_come(capacity: int) -> None:
    assert share_of_best(capacity, 0.0, 0) >= 0.85


@pytest.mark.parametrize(
    ("capacity", "sigma"), [(4, 0.0), (4, 0.3), (50, 0.0), (50, 0.3), (50, 1.0), (200, 1.0)]
)
def test_the_server_keeps_no_long_queue(capacity: int, sigma: float) -> None:
    for seed in range(3):
        run = Simulation(Concurrency.auto(), Server(capacity=capacity, sigma=sigma), seed).run(30)
        assert run.latency(since=15) <= 1.4 * 0.1, run.widths
        assert run.width.name == "server" or sigma == 1.0  # which may be trying a larger one


@pytest.mark.parametrize("sigma", [0.0, 1.0])
@pytest.mark.parametrize("limit", [2, 10, 100])
def test_a_hard_limit_is_found_with_few_refusals(limit: int, sigma: float) -> None:
    for seed in range(3):
        run = Simulation(Concurrency.auto(), Server(limit=limit, sigma=sigma), seed).run(40)
        served, refused = run.counted("served", 10, 40), run.counted("rate_limited", 10, 40)
        assert served >= 0.85 * limit * 10 * 30, (served, run.widths)
        assert refused <= 0.03 * (served + refused), run.widths
        assert run.counted("rate_limited", 0, 10) <= 60
        assert run.width.name == "server"


def test_a_storm_of_server_errors_does_not_cut() -> None:
    run = Simulation(Concurrency.auto(), Server(capacity=50, broken=(8, 13))).run(7.9)
    before = run.width.width
    run.run(13)
    assert run.width.width == before
    run.run(25)
    assert run.counted("served", 14, 25) >= 0.95 * 500 * 11


def test_no_width_is_found_while_the_server_fails() -> None:
    run = Simulation(Concurrency.auto(), Server(capacity=50, broken=(0, 5))).run(5)
    assert run.width.width == 16
    assert run.width.name == "concurrency"


def full(width: int) -> tuple[Concurrency, list[Ticket]]:
    """A width that has been found good for so many, all of them in flight since 10 s."""
    limit = Concurrency.auto(start=width)
    tickets = [ticket(10.0) for _ in range(width)]
    for each in tickets:
        limit.take(each, 10.0)
    return limit, tickets


def test_a_burst_of_refusals_is_one_cut() -> None:
    limit, tickets = full(200)
    for number, each in enumerate(tickets[:100]):
        limit.settle(each, REFUSED, 10.05 + number / 1000)
    assert limit.width == 140
    assert limit.name == "server"
    assert limit.in_flight == 100


def test_after_a_burst_the_width_comes_back_within_seconds() -> None:
    server = Server(capacity=200)
    run = Simulation(Concurrency.auto(), server, seed=1).run(15)
    before = run.width.width
    run.at(15.0, lambda: setattr(server, "limit", 0))
    run.at(15.12, lambda: setattr(server, "limit", float("inf")))
    run.run(15.5)
    assert 1 <= run.width.width < before
    run.run(25)
    assert run.width.width >= 0.9 * before, run.widths


@pytest.mark.parametrize("sigma", [0.0, 1.0])
def test_a_starved_run_never_grows(sigma: float) -> None:
    run = Simulation(Concurrency.auto(), Server(sigma=sigma), seed=1, work=lambda now: 80 * now).run(60)
    assert [width for _, width in run.widths] == [16]
    assert run.width.name == "concurrency"


@pytest.mark.parametrize("pace", [20, 22, 25])
def test_a_rate_that_is_refused_does_not_cut_where_a_pace_is_known(pace: float) -> None:
    width = Concurrency.auto()
    width.paced = True
    run = Simulation(width, Server(rate=20), pace=pace).run(60)
    assert width.width == 16
    assert run.counted("served", 0, 60) >= 0.98 * 20 * 60


def test_refusals_that_go_on_in_spite_of_a_pace_cut() -> None:
    width = Concurrency.auto()
    width.paced = True
    run = Simulation(width, Server(limit=2), pace=60, backoff=0.2).run(60)
    assert width.width <= 4
    assert run.counted("served", 10, 60) >= 0.85 * 20 * 50


def test_a_pace_learned_from_refusals_gives_the_width_back() -> None:
    limit, tickets = full(200)
    limit.settle(tickets[0], REFUSED, 10.1)
    assert limit.width == 140
    limit.paced = True
    assert limit.width == 200


@pytest.mark.parametrize(("sigma", "round_trips"), [(0.0, 4.5), (0.5, 6.0), (1.0, 6.0)])
def test_slow_models_get_wide_in_a_few_round_trips(sigma: float, round_trips: float) -> None:
    for seed in range(5):
        run = Simulation(Concurrency.auto(), Server(latency=20, sigma=sigma), seed).run(20 * round_trips)
        assert run.width.width >= 256, run.widths


def test_a_fast_server_is_used_within_two_seconds() -> None:
    run = Simulation(Concurrency.auto(), Server()).run(2)
    assert run.width.width == 1024
    assert run.width.name == "concurrency"


def test_a_busy_client_stops_the_growth() -> None:
    run = Simulation(Concurrency.auto(), Server(sigma=0.3, handling=0.001), seed=1).run(30)
    assert run.counted("served", 10, 30) >= 0.9 * 1000 * 20
    assert run.width.width <= 250, run.widths


def test_a_fixed_width_stays() -> None:
    run = Simulation(Concurrency(7), Server(limit=3)).run(10)
    assert {width for _, width in run.widths} == {7}
    assert run.width.name == "concurrency"


def test_a_full_width_waits_for_a_change() -> None:
    limit = Concurrency(1)
    first = ticket()
    assert limit.delay(first, 0.0) == 0.0
    limit.take(first, 0.0)
    assert limit.delay(ticket(), 0.0) == UNTIL_CHANGE
    limit.settle(first, None, 1.0)
    assert limit.delay(ticket(), 1.0) == 0.0


def test_the_width_can_be_set_while_requests_are_in_flight() -> None:
    run = Simulation(Concurrency.auto(), Server(capacity=50)).run(10)
    run.width.set(5)
    run.run(12)
    assert (run.width.width, run.width.in_flight) == (5, 5)
    run.width.set("auto")
    run.run(22)
    assert 45 <= run.width.width <= 70


def test_replies_to_repeated_tries_are_no_evidence() -> None:
    limit = Concurrency.auto()
    for second in range(100):
        again = [ticket(float(second), attempt=2) for _ in range(16)]
        for each in again:
            limit.take(each, float(second))
        for each in again:
            limit.settle(each, REPLY, second + 0.5)
    assert limit.width == 16


def test_throughput_that_does_not_grow_stops_the_rise_at_the_knee() -> None:
    growth = Growth(16, 1024)
    latencies = {16: 0.1, 32: 0.1, 64: 0.128, 128: 0.256}
    now = 0.0
    while growth.stage is Stage.RISE:
        now += 1.0
        width = growth.width
        assert growth.judge(Round(width, 1000, latencies[width], 0.0, width), now)
    assert growth.stage is Stage.HOLD
    assert growth.width == 53
    assert growth.bound


ENDS = st.sampled_from([REPLY, REFUSED, BROKEN, None, Fault("bad_request", "no"), Fault("timeout", "late")])


@given(
    st.integers(1, 64),
    st.integers(1, 64),
    st.lists(st.tuples(st.integers(0, 3), st.floats(0, 3), st.integers(0, 99), ENDS, st.integers(1, 2))),
)
def test_the_width_stays_within_its_bounds_whatever_happens(
    start: int, most: int, events: list[tuple[int, float, int, End, int]]
) -> None:
    limit = Concurrency.auto(start=start, most=most)
    out: list[Ticket] = []
    now = 1000.0
    for kind, pause, which, end, attempt in events:
        now += pause
        limit.paced = kind == 3
        if out and kind == 0:
            limit.settle(out.pop(which % len(out)), end, now)
        while kind and limit.delay(ticket(), now) == 0.0:
            out.append(ticket(now, attempt))
            limit.take(out[-1], now)
        if kind == 2:
            while out:
                limit.settle(out.pop(), end, now + 0.5)
            now += 0.5
        assert 1 <= limit.width <= most
        assert limit.in_flight == len(out)
