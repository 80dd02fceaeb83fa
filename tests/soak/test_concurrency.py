"""The width that is found, over many servers and seeds. All times are simulated."""

from __future__ import annotations

import pytest

from pipeline.lanes.limits.concurrency import Concurrency
from tests.support.simulated_server import CAPACITIES, Server, Simulation, share_of_best


@pytest.mark.parametrize("sigma", [0.3, 1.0])
@pytest.mark.parametrize("capacity", CAPACITIES)
def test_the_same_holds_where_latencies_are_lognormal(capacity: int, sigma: float) -> None:
    shares = [share_of_best(capacity, sigma, seed) for seed in range(5 if capacity < 1000 else 2)]
    assert min(shares) >= 0.85, shares


@pytest.mark.parametrize("sigma", [0.0, 0.5, 1.0])
@pytest.mark.parametrize("factor", [0.1, 0.5, 2.0, 4.0])
def test_a_capacity_that_changes_is_followed_within_30_seconds(factor: float, sigma: float) -> None:
    server = Server(capacity=100, sigma=sigma)
    run = Simulation(Concurrency.auto(), server, seed=1)
    run.at(20.0, lambda: setattr(server, "capacity", int(100 * factor)))
    run.run(80)
    best = 100 * factor * 10
    assert run.counted("served", 50, 80) >= 0.9 * best * 30, run.widths
    mean = sum(run.width_at(second) for second in range(50, 80)) / 30
    assert 0.85 * 100 * factor <= mean <= max(1.4 * 100 * factor, 30), run.widths
