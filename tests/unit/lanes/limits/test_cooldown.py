"""Refusals for a rate: when a lane asks again, and what it learns of the rate.

Shares of the true rate that pass in 120 s, and refusals a minute, where nobody tells the rate:
`test_a_rate_that_nobody_tells_is_found` has the bounds.
"""

from __future__ import annotations

from email.utils import formatdate
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.core.domain import Billed, Fate, Fault, Reply
from pipeline.job.models import Limits
from pipeline.lanes.limits.cooldown import LONGEST, Cooldown
from pipeline.lanes.limits.limit import Ticket
from pipeline.money.estimate import Expected
from pipeline.testing.script import Quota, Rule, Script
from pipeline.wire.faults import fault_of
from tests.support.fakes import asked, said
from tests.support.lanes import Outcome, numbered, through_a_lane

pytestmark = pytest.mark.simulated


def ticket(sent: float) -> Ticket:
    return Ticket(asked("x"), lambda _: Expected(0, 0, 0), sent, sent)


def refusal(wait: float | None = None) -> Fault:
    return Fault("rate_limited", "no", fate=Fate.RETRY, billed=Billed.NO, wait=wait, status=429)


def refused(rule: Rule, rows: int = 300, **limits: Any) -> Outcome:
    given = {"concurrency": 16, "outage": 86_400.0, **limits}
    return through_a_lane(Script(latency=0.5, faults=(rule,)), numbered(rows), Limits(**given))


def assert_never_early(outcome: Outcome, wait: float) -> None:
    """Nobody arrives between a refusal and the time it told; those sent before it had come are excused."""
    lines = sorted(outcome.account.lines, key=lambda line: line.arrived)
    refusals = [line.at for line in lines if line.status == 429]
    assert refusals
    for at in refusals:
        early = [line for line in lines if at + 1e-3 < line.arrived < at + wait - 1e-3]
        assert not early


@pytest.mark.parametrize("wait", [0.35, 1, 2, 61.5, 10_800])
@pytest.mark.parametrize("concurrency", [1, 16, 200])
def test_nobody_asks_before_the_time_that_was_told(wait: float, concurrency: int) -> None:
    rules = (
        Rule(fault="rate_limit", retry_after=wait, first=40),
        Rule(fault="rate_limit", retry_after=wait, every=31),
    )
    limits = Limits(concurrency=concurrency, outage=86_400)
    outcome = through_a_lane(Script(latency=0.5, faults=rules), numbered(300), limits)
    assert outcome.answered == 300
    assert_never_early(outcome, wait)


@pytest.mark.parametrize(
    ("headers", "wait"),
    [
        ({"retry-after-ms": "350", "retry-after": "9"}, 0.35),
        ({"retry-after": "2.5"}, 2.5),
        ({"x-ratelimit-reset-requests": "1m40s"}, 100.0),
        ({"retry-after": "soon", "x-ratelimit-reset-requests": "7s"}, 7.0),
    ],
)
def test_the_wait_is_told_in_many_ways(headers: dict[str, str], wait: float) -> None:
    rule = Rule(fault="rate_limit", headers=headers, every=50)
    outcome = refused(rule)
    assert outcome.answered == 300
    assert_never_early(outcome, wait)


def test_a_date_is_waited_for() -> None:
    outcome = refused(Rule(fault="rate_limit", retry_after_date=120, first=1))
    assert outcome.answered == 300
    assert_never_early(outcome, 118)


GARBAGE = (
    "-5",
    "nan",
    "inf",
    "1e308",
    "later",
    "0",
    formatdate(0, usegmt=True),
    "9" * 400,
    "Thu, 99 Foo 2026",
)


@pytest.mark.parametrize("text", GARBAGE)
def test_a_wait_that_makes_no_sense_is_none(text: str) -> None:
    assert fault_of(429, {"retry-after": text, "x-ratelimit-reset-tokens": text}, b"").wait is None
    outcome = refused(Rule(fault="rate_limit", headers={"retry-after": text}, during=(0, 3)))
    assert outcome.answered == 300
    assert outcome.seconds < 120


def test_a_wait_of_three_hours_is_said_once() -> None:
    outcome = refused(Rule(fault="rate_limit", retry_after=10_800, during=(0, 9)))
    assert outcome.answered == 300
    assert outcome.seconds == pytest.approx(10_800, abs=30)
    say: Any = outcome.shared.say
    (line,) = say.__self__
    assert "asks to wait until" in line


def test_a_burst_of_refusals_is_one_episode_with_one_wait() -> None:
    cooldown = Cooldown(600.0, lambda until: None)
    waits = []
    for _ in range(200):
        cooldown = Cooldown(600.0, lambda until: None)
        for i in range(100):
            cooldown.settle(ticket(0.0), refusal(), 1.0 + i / 1000)
        waits.append(cooldown.delay(ticket(1.1), 1.0))
    assert 0.12 <= min(waits) <= max(waits) <= 0.25


def test_untold_waits_double_from_episode_to_episode_and_an_answer_ends_that() -> None:
    cooldown, now, waits = Cooldown(1e9, lambda until: None), 0.0, []
    for _ in range(12):
        cooldown.settle(ticket(now), refusal(), now)
        waits.append(cooldown.until - now)
        now = cooldown.until
    assert all(
        low / 2 <= wait <= low
        for wait, low in zip(waits, [min(60, 0.25 * 2**i) for i in range(12)], strict=True)
    )
    cooldown.settle(ticket(now), said("x"), now)
    cooldown.settle(ticket(now), refusal(), now)
    assert cooldown.until - now <= 0.25


@pytest.mark.parametrize("outage", [60.0, 600.0])
def test_refusals_without_end_and_without_a_told_wait_stop_the_run(outage: float) -> None:
    outcome = refused(Rule(fault="rate_limit", after=20), outage=outage)
    assert {result.kind for result in outcome.results if isinstance(result, Fault)} == {"refusing"}
    assert outage <= outcome.seconds <= outage + 2 * LONGEST + 10
    assert outcome.refused <= 3 * 16 + outage / 20


def test_refusals_that_tell_a_wait_may_go_on_for_days() -> None:
    outcome = refused(Rule(fault="rate_limit", retry_after=3600, during=(0, 200_000)), outage=60.0)
    assert outcome.answered == 300
    assert outcome.seconds >= 200_000


def test_hours_in_which_nobody_asks_are_no_refusals() -> None:
    cooldown = Cooldown(600.0, lambda until: None)
    cooldown.settle(ticket(0.0), refusal(), 1.0)
    assert cooldown.delay(ticket(0.0), 50_000.0) == 0.0
    cooldown.settle(ticket(50_000.0), refusal(), 50_000.0)
    assert cooldown.delay(ticket(50_000.0), 50_070.0) == 0.0


@settings(max_examples=80)
@given(
    st.lists(st.tuples(st.floats(0, 30), st.floats(0, 20), st.none() | st.floats(0.001, 100), st.booleans()))
)
def test_a_cool_down_is_never_shortened(events: list[tuple[float, float, float | None, bool]]) -> None:
    cooldown, now, told = Cooldown(1e9, lambda until: None), 100.0, 0.0
    for pause, age, wait, served in events:
        now += pause
        if served:
            cooldown.settle(ticket(now - age), Reply("chat", b""), now)
        else:
            cooldown.settle(ticket(now - age), refusal(wait), now)
            told = max(told, now + (wait or 0.0))
        assert cooldown.delay(ticket(now), now) >= told - now - 1e-9
        assert cooldown.until <= max(told, now + LONGEST)


# the rate, found


@pytest.mark.parametrize("told", [True, False])
@pytest.mark.parametrize("latency", [0.1, 1.0])
def test_six_hundred_requests_at_twenty_a_second_take_half_a_minute(latency: float, told: bool) -> None:
    quota = Quota(rpm=1200, burst=20, retry_after=1.0 if told else False, headers=False)
    outcome = through_a_lane(Script(latency=latency, tokens=5, quota=quota), numbered(600), Limits())
    assert outcome.answered == 600
    assert outcome.refused < 60
    assert outcome.seconds <= 31


def test_a_wait_of_hours_says_nothing_about_the_rate() -> None:
    rules = (
        Rule(fault="rate_limit", retry_after=10_000, during=(0, 9)),
        Rule(fault="rate_limit", retry_after=1, every=80),
    )
    outcome = through_a_lane(Script(latency=0.5, faults=rules), numbered(500), Limits(outage=86_400))
    assert outcome.answered == 500
    assert outcome.seconds <= 10_000 + 180
