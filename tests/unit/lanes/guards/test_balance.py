"""One model at several endpoints, and another model behind it: nobody is lost while anybody can answer."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import anyio
import pytest

from pipeline.core.domain import Fault, Reply, Request
from pipeline.job.models import Limits, Model
from pipeline.lanes.lane import Lane, Shared, guarded
from pipeline.money.tariff import Tariff
from pipeline.providers.scripted import caller
from pipeline.testing.ledger import Account, Ledger
from pipeline.testing.script import Rule, Script
from pipeline.testing.service import Service
from tests.support.clock import on_test_time
from tests.support.lanes import ask_in_turn, numbered, shared_of

pytestmark = pytest.mark.simulated

FREE = Tariff(None, free=True)


@dataclass
class Outcome:
    results: list[Reply | Fault | None]
    accounts: dict[str, Account]
    seconds: float
    said: list[str] = field(default_factory=list)

    @property
    def answered(self) -> int:
        return sum(isinstance(result, Reply) for result in self.results)

    @property
    def kinds(self) -> set[str]:
        return {result.kind for result in self.results if isinstance(result, Fault)}

    def arrivals(self, name: str, since: float, until: float) -> int:
        first = min(line.arrived for account in self.accounts.values() for line in account.lines)
        return sum(since <= line.arrived - first < until for line in self.accounts[name].lines)


def spread_over(
    scripts: Mapping[str, Script],
    requests: list[Request],
    *,
    hands: int = 32,
    weights: Mapping[str, float] | None = None,
    limits: Mapping[str, Limits] | None = None,
    later: tuple[float, Callable[[Shared], None]] | None = None,
) -> Outcome:
    """Ask all through endpoints of those names, with so many hands."""
    said: list[str] = []

    async def change(shared: Shared) -> None:
        if later is not None:
            await anyio.sleep(later[0])
            later[1](shared)

    async def main() -> Outcome:
        shared = replace(shared_of(), say=said.append, lanes=[])
        ledgers = {name: Ledger() for name in scripts}
        sends = []
        for name, script in scripts.items():
            lane = Lane(name, (limits or {}).get(name, Limits(concurrency=64)), FREE, shared)
            sends.append((lane, (weights or {}).get(name, 1.0), caller(Service(script, ledgers[name]))))
        call = guarded(Model(model="m"), sends, shared, None)
        results: list[Reply | Fault | None] = [None] * len(requests)
        began = anyio.current_time()
        with shared.fuse.scope:
            async with anyio.create_task_group() as group:
                group.start_soon(change, shared)
                await ask_in_turn(call, requests, results, lambda: hands)
        seconds = anyio.current_time() - began
        return Outcome(results, {name: ledgers[name].account() for name in scripts}, seconds, said)

    return on_test_time(main)


def test_equal_endpoints_share_the_requests() -> None:
    outcome = spread_over({"a": Script(latency=1), "b": Script(latency=1)}, numbered(1000))
    assert abs(outcome.accounts["a"].requests - 500) <= 20


@pytest.mark.parametrize("hands", [4, 9, 40])
def test_weights_are_kept(hands: int) -> None:
    scripts = {"a": Script(latency=1), "b": Script(latency=1)}
    outcome = spread_over(scripts, numbered(1000), hands=hands, weights={"a": 1, "b": 3})
    assert outcome.accounts["b"].requests / 1000 == pytest.approx(0.75, abs=0.05)


def test_a_faster_endpoint_gets_more() -> None:
    outcome = spread_over({"slow": Script(latency=4), "fast": Script(latency=0.5)}, numbered(2000))
    assert outcome.accounts["fast"].requests >= 6 * outcome.accounts["slow"].requests


@pytest.mark.parametrize("fault", ["unauthorized", "insufficient_quota", "forbidden", "not_found"])
@pytest.mark.parametrize("after", [0, 100])
def test_a_dead_endpoint_loses_no_request(fault: Any, after: int) -> None:
    dead = Script(latency=1, faults=(Rule(fault=fault, after=after),))
    outcome = spread_over({"dead": dead, "well": Script(latency=1)}, numbered(500))
    assert outcome.answered == 500
    assert outcome.accounts["dead"].requests <= after + 32
    assert len(outcome.said) == 1
    assert "dead is not used any more" in outcome.said[0]


def test_when_all_are_dead_the_run_stops() -> None:
    dead = Script(latency=1, faults=(Rule(fault="unauthorized", after=50),))
    outcome = spread_over({"a": dead, "b": dead, "c": dead}, numbered(500))
    assert 100 <= outcome.answered <= 150 + 32
    assert outcome.kinds <= {"unauthorized", "stopped"}
    assert sum(account.requests for account in outcome.accounts.values()) <= 150 + 32


def test_what_is_no_endpoints_own_stops_the_run_at_once() -> None:
    bad = Script(faults=(Rule(fault="bad_request", every=1),))
    outcome = spread_over({"a": bad, "b": bad}, numbered(100))
    assert "all_refused" in outcome.kinds


@pytest.mark.parametrize("width", [1, 16])
def test_while_one_cools_for_an_hour_the_other_takes_all_also_those_who_wait(width: int) -> None:
    cold = Script(latency=1, faults=(Rule(fault="rate_limit", retry_after=3600, during=(10, 3000)),))
    limits = {"cold": Limits(concurrency=width), "well": Limits(concurrency=width)}
    outcome = spread_over(
        {"cold": cold, "well": Script(latency=1)}, numbered(80 * width), hands=4 * width, limits=limits
    )
    assert outcome.answered == 80 * width
    assert outcome.seconds < 100
    assert outcome.arrivals("cold", 12, 1000) == 0


def test_whoever_waits_at_one_that_cools_long_moves_though_the_other_cools_too_but_not_so_long() -> None:
    hour, second = (
        Script(latency=1, faults=(Rule(fault="rate_limit", retry_after=wait, during=(5, 8)),))
        for wait in (3600, 20)
    )
    outcome = spread_over({"hour": hour, "second": second}, numbered(600))
    assert outcome.answered == 600
    assert outcome.seconds < 120


def test_an_endpoint_that_was_cool_for_a_while_comes_back() -> None:
    cold = Script(latency=1, faults=(Rule(fault="rate_limit", retry_after=30, during=(10, 20)),))
    outcome = spread_over({"cold": cold, "well": Script(latency=1)}, numbered(3000))
    assert outcome.arrivals("cold", 60, 80) >= 250


def test_an_endpoint_that_was_down_for_a_while_comes_back() -> None:
    down = Script(latency=1, faults=(Rule(fault="server_error", during=(10, 30)),))
    outcome = spread_over({"down": down, "well": Script(latency=1)}, numbered(4000))
    assert outcome.answered == 4000
    assert outcome.arrivals("down", 15, 30) <= 20
    assert outcome.arrivals("down", 70, 90) >= 250


def test_an_endpoint_that_stays_down_is_out_and_the_run_goes_on() -> None:
    down = Script(latency=1, faults=(Rule(fault="server_error", every=1),))
    limits = dict.fromkeys(("down", "well"), Limits(concurrency=64, outage=60))
    outcome = spread_over({"down": down, "well": Script(latency=1)}, numbered(4000), limits=limits)
    assert outcome.answered == 4000
    assert any("down is not used any more: outage" in line for line in outcome.said)


def test_whoever_waits_for_tomorrow_moves_to_one_that_has_requests_left() -> None:
    limits = {"a": Limits(rpd=30, concurrency=2), "b": Limits(concurrency=2)}
    outcome = spread_over({"a": Script(latency=1), "b": Script(latency=1)}, numbered(200), limits=limits)
    assert outcome.answered == 200
    assert outcome.accounts["a"].requests == 30
    assert outcome.seconds < 300


def test_a_closed_endpoint_keeps_nobody() -> None:
    def close(shared: Shared) -> None:
        lane = shared.lanes[0]
        lane.cooldown.until = shared.now() + 9_000

    scripts = {"a": Script(latency=1), "b": Script(latency=1)}
    limits = dict.fromkeys(scripts, Limits(concurrency=4))
    outcome = spread_over(scripts, numbered(300), limits=limits, later=(10.5, close))
    assert outcome.answered == 300
    assert outcome.seconds < 200


# a fallback, and one behind it
