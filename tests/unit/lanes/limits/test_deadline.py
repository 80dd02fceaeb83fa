"""The deadline of a run: what would be answered too late is not sent."""

from __future__ import annotations

import pytest

from pipeline.core.clock import Clock
from pipeline.core.domain import Fate, Fault
from pipeline.lanes.limits.deadline import Deadline
from tests.support.tickets import HOUR, answered, ticket


def test_a_deadline_lets_pass_what_may_end_in_time() -> None:
    clock = Clock(100.0)
    limit = Deadline(clock.at(100.0) + HOUR, clock)
    assert limit.delay(ticket(), 100.0) == 0
    assert limit.delay(ticket(), 100.0 + HOUR - 1) == 0
    with pytest.raises(Fault, match="the time set for this run was over at") as error:
        limit.delay(ticket(), 100.0 + HOUR + 1)
    assert error.value.kind == "deadline"
    assert error.value.fate is Fate.STOP


def test_a_deadline_sets_aside_the_time_that_nearly_all_answers_take() -> None:
    clock = Clock(0.0)
    limit = Deadline(clock.at(0.0) + HOUR, clock)
    for _ in range(97):
        limit.settle(ticket(), answered(20.0), 30.0)
    for _ in range(3):
        limit.settle(ticket(), answered(900.0), 1000.0)
    limit.settle(ticket(), Fault("server_error", "slow", fate=Fate.RETRY), 3000.0)
    limit.settle(ticket(), None, 3000.0)
    assert limit.latency == pytest.approx(20, rel=0.2)
    assert limit.delay(ticket(), HOUR - 30) == 0
    with pytest.raises(Fault, match="an answer can take"):
        limit.delay(ticket(), HOUR - 10)


def test_where_a_reply_does_not_say_how_long_it_took_the_deadline_counts_itself() -> None:
    clock = Clock(0.0)
    limit = Deadline(clock.at(0.0) + HOUR, clock)
    limit.settle(ticket(sent=100.0), answered(0.0), 160.0)
    assert limit.latency == pytest.approx(60, rel=0.2)
