"""What a server's headers say of its limits is followed, with a little left over."""

from __future__ import annotations

import pytest

from pipeline.core.domain import Billed, Fate, Fault, Reply, ServerLimits
from pipeline.job.models import Limits
from pipeline.lanes.limits.advertised import SPARED, Advertised
from pipeline.lanes.limits.concurrency import Concurrency
from pipeline.lanes.limits.limit import Ticket
from pipeline.lanes.limits.rate import Rate
from pipeline.lanes.limits.rate_finder import RateFinder
from pipeline.money.estimate import Estimator, Expected
from tests.support.fakes import asked


class Granting(Rate):
    """A rate that keeps what it was told to let pass at once."""

    def __init__(self) -> None:
        super().__init__("rpm", None)
        self.granted: list[float] = []

    def grant(self, now: float, left: float) -> None:
        self.granted.append(left)


def ticket() -> Ticket:
    return Ticket(asked("x"), lambda _: Expected(1, 1, 1), 0.0, sent=0.0)


def advertised(rpm: Rate, limits: Limits | None = None) -> Advertised:
    rates = (rpm, Rate("tpm", None), Rate("rpd", None))
    return Advertised(limits or Limits(), rates, RateFinder(rpm), Concurrency.auto(), Estimator())


TOLD = ServerLimits(rpm=60, left=20)


def test_a_few_of_the_requests_that_are_left_are_not_sent() -> None:
    """20 are left, one more has come back since, and one was sent after the request that tells it."""
    rpm = Granting()
    limit, first, second = advertised(rpm), ticket(), ticket()
    limit.take(first, 0.0)
    limit.take(second, 0.5)
    limit.settle(first, Reply("chat", b"", advertised=TOLD), 1.0)
    assert SPARED == 3
    assert rpm.granted == [pytest.approx(20 + 1 - 1 - SPARED)]


def test_after_a_refusal_nothing_is_sent_at_once() -> None:
    rpm = Granting()
    limit, tickets = advertised(rpm), [ticket(), ticket()]
    for one in tickets:
        limit.take(one, 0.0)
    refusal = Fault("rate_limited", "no", fate=Fate.RETRY, billed=Billed.NO, advertised=TOLD)
    limit.settle(tickets[0], refusal, 1.0)
    limit.settle(tickets[1], Reply("chat", b"", advertised=TOLD), 1.0)
    assert rpm.granted == []


def test_an_answer_that_came_at_once_says_nothing_of_what_is_left() -> None:
    rpm = Granting()
    limit, one = advertised(rpm), ticket()
    limit.take(one, 0.0)
    limit.settle(one, Reply("chat", b"", advertised=TOLD), 0.1)
    assert rpm.granted == []
