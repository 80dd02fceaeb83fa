"""Rates on the turned clock: no window ever holds more than the limit, and nearly all of it is used."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from itertools import pairwise
from math import exp
from random import Random
from typing import Any

import anyio
import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.core.domain import Billed, Fate, Fault, Reply, Request, ServerLimits
from pipeline.job.models import Limits
from pipeline.lanes.lane import Lane
from pipeline.lanes.limits.limit import Ticket
from pipeline.lanes.limits.rate import DAY, Rate
from pipeline.money.estimate import Expected
from pipeline.money.tokens import size
from tests.support.clock import on_test_time
from tests.support.fakes import asked, chat_body, outcomes
from tests.support.lanes import around

pytestmark = pytest.mark.simulated


@dataclass
class Server:
    """Answers all with so many tokens after so many seconds, and notes when it was asked for how many."""

    output: Callable[[int], int] = lambda n: 20
    latency: Callable[[int], float] = lambda n: 1.0
    told: Callable[[float], ServerLimits | None] = lambda now: None
    broken: Callable[[int], bool] = lambda n: False
    times: list[float] = field(default_factory=list)
    tokens: list[int] = field(default_factory=list)

    async def __call__(self, request: Request) -> Reply:
        n, now = len(self.times), anyio.current_time()
        taken, given = size(request).input, self.output(n)
        self.times.append(now)
        self.tokens.append(taken + given)
        await anyio.sleep(self.latency(n))
        if self.broken(n):
            raise Fault("bad_request", "no", fate=Fate.FAIL, billed=Billed.NO)
        usage = {"prompt_tokens": taken, "completion_tokens": given}
        body = orjson.dumps({**orjson.loads(chat_body("x")), "usage": usage})
        return Reply("chat", body, advertised=self.told(now))

    def busiest(self, amounts: Iterable[int] | None = None, seconds: float = 60.0) -> int:
        """The most that came in any window of that length."""
        weights = [1] * len(self.times) if amounts is None else list(amounts)
        most = total = start = 0
        for end, time in enumerate(self.times):
            total += weights[end]
            while self.times[start] <= time - seconds:
                total -= weights[start]
                start += 1
            most = max(most, total)
        return most

    def rate(self, since: float, until: float, amounts: Iterable[int] | None = None) -> float:
        """How much came a minute."""
        weights = amounts or [1] * len(self.times)
        came = sum(w for at, w in zip(self.times, weights, strict=True) if since <= at < until)
        return came / (until - since) * 60


def drive(
    server: Server, requests: list[Request], limits: Limits, *changes: tuple[float, Callable[[Lane], None]]
) -> Lane:
    """Ask all at once through one lane, with changes at some times."""

    async def change(lane: Lane) -> None:
        for at, apply in changes:
            await anyio.sleep(at - anyio.current_time())
            apply(lane)
            lane.queue.pump()

    async def main() -> Lane:
        call, lane = around(server, limits)
        async with anyio.create_task_group() as group:
            group.start_soon(change, lane)
            await outcomes(call, requests)
        return lane

    return on_test_time(main)


def sized(sizes: list[int], **params: Any) -> list[Request]:
    """Requests of so many characters."""
    return [asked(f"{i} " + "x" * size, key=str(i), **params) for i, size in enumerate(sizes)]


@settings(max_examples=40)
@given(
    st.integers(0, 10**6),
    st.sampled_from([1, 7, 60, 600]),
    st.sampled_from([2_000, 9_000, 100_000]),
    st.sampled_from([0.01, 1.0, 20.0, 90.0]),
    st.sampled_from([1, 8, 200]),
)
def test_no_minute_holds_more_than_the_limits(
    seed: int, rpm: int, tpm: int, latency: float, concurrency: int
) -> None:
    random = Random(seed)
    most = random.choice([50, 400])
    server = Server(
        output=lambda n: most,
        latency=lambda n: latency * random.choice([0.1, 1, 1, 2]),
        broken=lambda n: random.random() < 0.1,
    )
    requests = sized([random.choice([10, 100, 4000]) for _ in range(min(3 * rpm, 150))], max_tokens=most)
    drive(server, requests, Limits(rpm=rpm, tpm=tpm, concurrency=concurrency))
    assert len(server.times) == len(requests)
    assert server.busiest() <= rpm
    assert server.busiest(server.tokens) <= tpm


@settings(max_examples=25)
@given(st.integers(0, 10**6), st.sampled_from([1, 8, 64]), st.sampled_from([0.05, 5.0, 80.0]))
def test_debts_pass_the_limit_by_no_more_than_what_was_under_way(
    seed: int, concurrency: int, latency: float
) -> None:
    random = Random(seed)
    outputs = [random.choice([1, 5, 900, 2500]) for _ in range(120)]
    server = Server(output=lambda n: outputs[n], latency=lambda n: latency)
    drive(server, sized([50] * 120), Limits(tpm=20_000, concurrency=concurrency))
    assert server.busiest(server.tokens) <= 20_000 + concurrency * 2500


@pytest.mark.parametrize(("rpm", "seconds"), [(1, 3600), (6, 1200), (60, 600), (3000, 100), (100_000, 122)])
def test_nearly_all_of_a_rate_is_used_at_any_size(rpm: int, seconds: int) -> None:
    server = Server(latency=lambda n: 0.3)
    if rpm == 100_000:  # as many real requests would take minutes
        pace, now = Rate("rpm", rpm), 0.0
        ticket = Ticket(asked("x"), lambda _: Expected(1, 1, 1), 0.0)
        while now < seconds:
            delay = pace.delay(ticket, now)
            if delay:
                now += delay
                continue
            pace.take(ticket, now)
            server.times.append(now)
    else:
        drive(server, sized([1] * int(rpm * seconds / 60)), Limits(rpm=rpm, concurrency=64))
    assert server.busiest() <= rpm
    assert server.rate(0, server.times[-1]) >= 0.95 * rpm


@pytest.mark.parametrize("latency", [0.05, 2.0, 30.0])
def test_nearly_all_of_the_tokens_are_used_where_outputs_are_known(latency: float) -> None:
    random = Random(3)
    server = Server(output=lambda n: 200, latency=lambda n: latency)
    sizes = [int(exp(random.uniform(3, 8))) for _ in range(1500)]
    drive(server, sized(sizes, max_tokens=200), Limits(tpm=60_000, concurrency=512))
    assert server.busiest(server.tokens) <= 60_000
    assert server.rate(60, server.times[-1], server.tokens) >= 0.95 * 60_000


@pytest.mark.parametrize(("latency", "share"), [(2.0, 0.9), (20.0, 0.55)])
def test_most_of_the_tokens_are_used_where_outputs_vary_and_nobody_knows_them(
    latency: float, share: float
) -> None:
    random = Random(4)
    server = Server(output=lambda n: int(random.lognormvariate(5, 1)) + 1, latency=lambda n: latency)
    drive(server, sized([100] * 3000), Limits(tpm=60_000, concurrency=512))
    used = server.rate(120, server.times[-1], server.tokens) / 60_000
    assert used >= share, used
    assert server.busiest(server.tokens) <= 1.2 * 60_000


def test_a_request_larger_than_the_limit_passes_alone() -> None:
    server = Server()
    drive(server, sized([10, 40_000, 10]), Limits(tpm=1000, concurrency=9))
    gaps = [b - a for a, b in pairwise(server.times)]
    assert len(server.times) == 3
    assert gaps[0] >= 60
    assert gaps[1] >= 60


def test_a_limit_that_rises_is_used_at_once_and_one_that_falls_holds_at_once() -> None:
    server = Server()
    drive(
        server,
        sized([1] * 1400),
        Limits(rpm=1, concurrency=99),
        (10.0, lambda lane: lane.refit(lane.limits.model_copy(update={"rpm": 600}))),
        (70.0, lambda lane: lane.refit(lane.limits.model_copy(update={"rpm": 60}))),
    )
    assert server.rate(10, 70) >= 0.95 * 600
    assert server.rate(70, 130) <= 61
    assert server.rate(200, 400) == pytest.approx(60, rel=0.05)


@pytest.mark.parametrize(("before", "after"), [(600, 60), (60, 600)])
def test_limits_that_headers_tell_are_followed_when_they_change(before: int, after: int) -> None:
    server = Server(told=lambda now: ServerLimits(rpm=before if now < 200 else after, tpm=10**6))
    lane = drive(server, sized([1] * 2700), Limits(concurrency=16))
    assert server.rate(80, 200) == pytest.approx(before, rel=0.06)
    assert server.rate(280, 400) == pytest.approx(after, rel=0.06)
    assert (lane.rpm.limit, lane.tpm.limit) == (after, 10**6)


def test_what_the_job_states_stands_over_what_headers_tell() -> None:
    server = Server(told=lambda now: ServerLimits(rpm=6000, tpm=10**6, rpd=5))
    lane = drive(server, sized([1] * 60), Limits(rpm=60, tpm=50_000, rpd=1000, concurrency=16))
    assert (lane.rpm.limit, lane.tpm.limit, lane.rpd.limit) == (60, 50_000, 1000)


def test_a_limit_a_day_told_by_headers_holds_for_days() -> None:
    server = Server(told=lambda now: ServerLimits(rpd=40))
    drive(server, sized([1] * 100), Limits(concurrency=4))
    assert server.busiest(seconds=DAY) <= 40
    assert server.times[-1] < 2 * DAY + 600


def test_a_limit_a_day_may_be_used_up_at_once_and_holds_over_a_restart() -> None:
    sent: list[float] = []

    def run(count: int) -> None:
        async def main() -> None:
            call, lane = around(server, Limits(rpd=50, concurrency=8))
            for at in sent:
                lane.rpd.seed(20_000 - at, 1, 0.0)
            await outcomes(call, sized([1] * count))

        on_test_time(main)

    server = Server()
    run(50)
    assert server.times[-1] < 60
    sent, server = server.times, Server()
    run(60)
    times = [at + 20_000 for at in server.times]
    assert times[0] >= DAY
    both = Server(times=[*sent, *times])
    assert both.busiest(seconds=DAY) <= 50


@given(st.integers(0, 10**6), st.sampled_from([60.0, DAY]), st.integers(1, 400))
@settings(max_examples=60)
def test_a_pace_holds_whatever_is_taken_settled_and_changed(seed: int, period: float, limit: int) -> None:
    random = Random(seed)
    pace = Rate("tpm", limit, period, amount=lambda t: t.expected.input, used=lambda r: r.seconds)
    now, out = random.uniform(0, 1e6), list[Ticket]()
    server = Server()
    taken: dict[Ticket, int] = {}
    for _ in range(300):
        amount = random.randint(1, max(1, limit // 3))
        ticket = Ticket(asked("x"), lambda _, a=amount: Expected(a, 0, 0), now)  # type: ignore[misc]
        delay = pace.delay(ticket, now)
        if delay == 0.0:
            pace.take(ticket, now)
            out.append(ticket)
            taken[ticket] = len(server.times)
            server.times.append(now)
            server.tokens.append(amount)
        if out and random.random() < 0.7:
            ended = out.pop(random.randrange(len(out)))
            used = random.randint(0, server.tokens[taken[ended]])
            pace.settle(ended, random.choice([Reply("chat", b"", float(used)), None, Fault("x", "y")]), now)
        now += random.choice([0, delay, period / 1000, random.uniform(0, period / 10)])
        assert 0 <= (pace.use(now) or 0.0) <= 1
    for ended in out:
        pace.settle(ended, Reply("chat", b"", 0.0), now)
    later = now + 3 * period
    assert pace.use(later) == 0.0
    assert pace.delay(Ticket(asked("x"), lambda _: Expected(limit, 0, 0), later), later) == 0.0
