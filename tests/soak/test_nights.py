"""A deadline is met whatever batches do, and only what is left at its risk buffer costs the full price."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from tests.support.nights import FULL, HOURS, Morning, faults_of, pass_a_night
from tests.support.served import bill

BY, ROWS = 3.0, 24


def alone_too_early(morning: Morning) -> list[str]:
    """Requests that were billed at the full price before the buffer, though batches had not failed twice."""
    batches = Counter(line.digest for line in morning.bills.lines if line.batch)
    cancelled = morning.at("the rest goes without batches")
    until = morning.began + (BY * HOURS if cancelled is None else cancelled)
    return [
        line.digest
        for line in morning.bills.lines
        if line.billed and line.tier in FULL and line.arrived < until and batches[line.digest] < 2
    ]


@pytest.mark.parametrize("seed", range(100))
def test_a_deadline_is_met_and_only_the_rest_costs_the_full_price(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    monkeypatch.chdir(tmp_path)
    morning = pass_a_night(tmp_path, hours=BY, faults=faults_of(seed), seed=seed, rows=ROWS)
    assert morning.ok == ROWS and morning.seconds < BY * HOURS
    assert not alone_too_early(morning)
    cancelled = morning.at("the rest goes without batches")
    assert cancelled is None or BY * HOURS - cancelled < 0.6 * HOURS, "no longer than the rest needs"
    loses_lines = any(fault["fault"] == "missing" for fault in faults_of(seed))
    assert loses_lines or morning.bills.overpaid == 0
    least, most = morning.cost
    assert least <= bill(morning.bills) <= most
    assert loses_lines or least == most
    assert morning.bills.twice == 0


def test_a_batch_that_never_ends_is_left_in_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    faults = [
        {"fault": "stall", "every": 1, "part": 0.5},
        {"fault": "slow_cancel", "every": 1, "seconds": 9e4},
    ]
    morning = pass_a_night(tmp_path, hours=BY, faults=faults, seed=1, rows=ROWS)
    assert morning.ok == ROWS and morning.seconds < BY * HOURS
    assert morning.at("does not end: 24 requests may be paid for twice") is not None
