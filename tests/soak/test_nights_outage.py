"""Batches that cannot be reached for a while: waited for, gone round before a deadline, never paid twice."""

from __future__ import annotations

import random
from pathlib import Path

import anyio
import pytest

from pipeline.core.errors import RunStopped
from pipeline.job.load import load
from pipeline.providers import scripted
from pipeline.runs.night.submit import LONGEST
from pipeline.runs.run import run_async
from pipeline.runs.status import status_of
from pipeline.testing.ledger import Ledger
from tests.support.clock import on_test_time
from tests.support.nights import CALLS, HOURS, fail_batches, pass_a_night
from tests.support.served import bill, nano

BY, ROWS = 2.0, 12
OUTAGE = 600.0  # seconds: what `limits.outage` is by default


@pytest.mark.parametrize("seed", range(8))
def test_a_deadline_is_met_whenever_batches_cannot_be_reached(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    monkeypatch.chdir(tmp_path)
    draw = random.Random(seed)
    begins = [draw.uniform(0, BY * HOURS) if number else 0.0 for number in range(draw.randint(1, 4))]
    windows = [(at, at + draw.uniform(10, BY * HOURS / 2)) for at in begins]
    calls = set(draw.sample(CALLS, draw.randint(1, len(CALLS)))) | {"submit"}
    fail_batches(
        monkeypatch,
        lambda now, name: name in calls and any(begin <= now < end for begin, end in windows),
        lambda: draw.random() < 0.5,
    )
    morning = pass_a_night(tmp_path, hours=BY, faults=[], seed=seed, rows=ROWS)
    assert morning.ok == ROWS and morning.seconds < BY * HOURS
    assert morning.bills.twice == 0
    said = morning.at("may be paid for twice")
    assert morning.bills.overpaid == 0 or said is not None
    assert morning.cost[0] <= bill(morning.bills)
    assert said is not None or morning.cost[0] == bill(morning.bills)


@pytest.mark.parametrize("made", [True, False])
def test_a_batch_of_which_nothing_is_known_all_night_is_gone_round_and_collected_later(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, made: bool
) -> None:
    monkeypatch.chdir(tmp_path)
    with monkeypatch.context() as patch:
        fail_batches(patch, lambda now, name: True, lambda: made)
        morning = pass_a_night(tmp_path, hours=BY, faults=[], seed=1, rows=ROWS)
    assert morning.ok == ROWS and BY * HOURS - 0.5 * HOURS < morning.seconds < BY * HOURS
    unknown = morning.at("not known whether a batch was made: 12 requests may be paid for twice")
    assert (unknown is not None) == made
    job = load(tmp_path / "job.yaml")

    async def again() -> int:
        async with scripted.batches(job.models["writer"]) as server:  # it lives on meanwhile
            await server.find("none")
            await anyio.sleep(24 * HOURS)
            return (await run_async(job)).ok

    assert on_test_time(again, patience=0.03) == ROWS
    bills, known = Ledger.read(tmp_path / "ledger.jsonl"), status_of(job)
    assert {one["state"] for one in known["batches"]} == {"ended" if made else "refused"}
    assert bills.overpaid == (ROWS if made else 0)
    assert nano(known["cost"]) == bill(bills)


@pytest.mark.parametrize("seconds", [60.0, 500.0, 800.0, 3e4])
@pytest.mark.parametrize("call", ["submit", "look", "fetch"])
def test_without_a_deadline_a_run_waits_as_long_as_for_any_outage(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, call: str, seconds: float
) -> None:
    monkeypatch.chdir(tmp_path)
    first: list[float] = []
    last: list[float] = []

    def down(now: float, name: str) -> bool:
        if name != call:
            return False
        first.append(now)
        last.append(now)
        return now < first[0] + seconds

    with monkeypatch.context() as patch:
        fail_batches(patch, down, lambda: False)
        if seconds < OUTAGE:
            assert pass_a_night(tmp_path, hours=None, faults=[], seed=3, rows=ROWS).ok == ROWS
        else:
            with pytest.raises(RunStopped, match="unreachable: cannot connect; so for"):
                pass_a_night(tmp_path, hours=None, faults=[], seed=3, rows=ROWS)
            assert OUTAGE <= last[-1] - first[0] < OUTAGE + LONGEST
    if seconds > OUTAGE:
        assert pass_a_night(tmp_path, hours=None, faults=[], seed=3, rows=ROWS).ok == ROWS
    bills = Ledger.read(tmp_path / "ledger.jsonl")
    assert (bills.overpaid, bills.twice) == (0, 0)
    assert all(line.batch for line in bills.lines)
