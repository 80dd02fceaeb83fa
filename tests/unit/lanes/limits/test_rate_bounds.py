"""A rate's bounds: how much may pass at once, and how long a debt is held against those that come next."""

from __future__ import annotations

from pipeline.lanes.limits.limit import Ticket
from pipeline.lanes.limits.rate import MINUTE, SLACK, Rate
from pipeline.money.estimate import Expected
from tests.support.fakes import asked


def ticket(tokens: float = 1.0) -> Ticket:
    return Ticket(asked("x"), lambda _: Expected(tokens, 0, tokens), 0.0)


def test_a_debt_at_a_rate_that_has_fallen_is_held_for_a_minute_at_the_most() -> None:
    rate = Rate("tpm", 60_000, amount=lambda one: one.expected.tokens, usual=lambda one: one.expected.tokens)
    large = ticket(50_000)
    assert rate.delay(large, 0.0) == 0.0
    rate.take(large, 0.0)
    rate.limit = 600  # at this rate 50,000 tokens are more than an hour
    assert rate.delay(ticket(), 1.0) <= MINUTE + SLACK


def test_of_what_a_server_says_is_left_no_more_than_a_second_of_the_limit_passes_at_once() -> None:
    rate = Rate("rpm", 600)
    rate.delay(ticket(), 0.0)
    rate.grant(0.0, left=500)
    passed = 0
    while rate.delay(one := ticket(), 0.0) == 0.0:
        rate.take(one, 0.0)
        passed += 1
    assert 9 <= passed <= 11, "a second of the limit, and the one whose turn it is"
