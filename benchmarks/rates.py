"""Rates, stops and the bill, scenario by scenario, with the scripted server's ledger as the oracle.

    python -m benchmarks.rates [SCENARIO ...]

Every scenario runs the real command in one process and the server in another, each on a core of its own.
All of them take about twenty-five minutes, because limits are per minute; `make bench` runs the brief ones.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence

from benchmarks import rates_cost, rates_quota, rates_stops, rates_width
from benchmarks.workload import machine, note

SCENARIOS: dict[str, Callable[[], None]] = {
    "dead-key": rates_stops.dead_key,
    "quota-exhausted": rates_stops.exhausted,
    "outage": rates_stops.outage,
    "down-for-ever": rates_stops.down_for_ever,
    "cost": rates_cost.cost,
    "capacity": rates_width.capacity,
    "capacity-slow": rates_width.slow_capacity,
    "quota-told": rates_quota.told,
    "quota-untold": rates_quota.untold,
    "strays": rates_quota.strays,
    "windows": rates_quota.windows,
    "windows-rpm": rates_quota.windows_of_requests,
}
BRIEF = ("dead-key", "quota-exhausted", "outage", "down-for-ever", "cost", "capacity")


def main(names: Sequence[str] = BRIEF) -> None:
    """Run these scenarios, one after the other."""
    unknown = [name for name in names if name not in SCENARIOS]
    if unknown:
        raise SystemExit(f"no such scenario: {', '.join(unknown)}; there are {', '.join(SCENARIOS)}")
    for name in names:
        SCENARIOS[name]()


if __name__ == "__main__":
    main(sys.argv[1:] or list(SCENARIOS))
    note("rates", machine())
