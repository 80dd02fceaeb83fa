"""Requests per second and CPU per request, beside a bare aiohttp loop that does the same posts.

2,000 rows, 2 KB prompts, 256 in flight; the scripted server answers after 100 ms in a process and on a
core of its own. Imports are not in the CPU figures: both sides are measured from their first request.
The two sides take turns, and the ratio is taken pair by pair, because a machine is never quiet.
"""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

from benchmarks.workload import CORES, SERVER_CORE, figure, job, machine, measured, median, note, pin
from pipeline.testing import Script, serve

BASE_URL = "models.writer.base_url"
ROWS, CHARACTERS, IN_FLIGHT, RUNS = 2000, 2000, 256, 5
LEAST_RATE, MOST_TIMES_BARE = 600, 6


def main() -> None:
    """Measure in turn, print medians and the median of the ratios."""
    ours, bare = [], []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        file = job(folder, ROWS, CHARACTERS, IN_FLIGHT)
        pin(SERVER_CORE)  # the server inherits it
        with serve(Script(latency=0.1)) as server:
            for _ in range(RUNS):
                bare.append(measured("benchmarks.bare", server.base_url, str(file), str(IN_FLIGHT)))
                shutil.rmtree(folder / "output", ignore_errors=True)
                ours.append(measured("benchmarks.ours", str(file), f"{BASE_URL}={server.base_url}"))
        pin(*CORES)
    assert all(run["ok"] == ROWS for run in ours)
    for label, runs in (("bare aiohttp", bare), ("pipeline", ours)):
        rate = median([ROWS / run["wall"] for run in runs])
        cpu = median([run["cpu"] / ROWS * 1e6 for run in runs])
        note("throughput", f"{label:13} {rate:7,.0f} requests/s  {cpu:7,.0f} µs CPU/request")
    ratios = [a["cpu"] / b["cpu"] for a, b in zip(ours, bare, strict=True)]
    rate, ratio = median([ROWS / run["wall"] for run in ours]), median(ratios)
    figure("throughput", "requests/s on one core", f"{rate:,.0f}", f">= {LEAST_RATE}", rate >= LEAST_RATE)
    what = f"CPU, times bare ({min(ratios):.2f} to {max(ratios):.2f})"
    figure("throughput", what, f"{ratio:.2f}", f"<= {MOST_TIMES_BARE}", ratio <= MOST_TIMES_BARE)


if __name__ == "__main__":
    main()
    note("throughput", machine())
