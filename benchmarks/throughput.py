"""Requests per second and CPU per request, beside a bare aiohttp loop that does the same posts.

2,000 rows, 2 KB prompts, 256 in flight; the scripted server answers after 100 ms in a process and on a
core of its own. Imports are not in the CPU figures: both sides are measured from their first request.
"""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

from benchmarks.workload import SERVER_CORE, job, measured, median, pin
from pipeline.scripted import Script, serve

BASE_URL = "models.writer.base_url"
ROWS, CHARACTERS, IN_FLIGHT, RUNS = 2000, 2000, 256, 5


def main() -> None:
    """Measure in turn, print medians and the median of the ratios."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        file = job(folder, ROWS, CHARACTERS, IN_FLIGHT)
        pin(SERVER_CORE)
        ours, bare = [], []
        with serve(Script(latency=0.1)) as server:
            for _ in range(RUNS):
                bare.append(measured("benchmarks.bare", server.base_url, str(file), str(IN_FLIGHT)))
                shutil.rmtree(folder / "output", ignore_errors=True)
                ours.append(measured("benchmarks.ours", str(file), f"{BASE_URL}={server.base_url}"))
        assert all(run["ok"] == ROWS for run in ours)
    for label, runs in (("bare aiohttp", bare), ("pipeline", ours)):
        rate = median([ROWS / run["wall"] for run in runs])
        cpu = median([run["cpu"] / ROWS * 1e6 for run in runs])
        print(f"throughput  {label:13} {rate:7,.0f} requests/s  {cpu:7,.0f} µs CPU/request")
    ratios = [a["cpu"] / b["cpu"] for a, b in zip(ours, bare, strict=True)]
    rate = median([ROWS / run["wall"] for run in ours])
    spread = f"from {min(ratios):.2f} to {max(ratios):.2f}; at most 6 wanted"
    print(f"throughput  CPU ratio {median(ratios):.2f} ({spread})")
    print(f"throughput  {rate:,.0f} requests/s on one core (at least 600 wanted)")


if __name__ == "__main__":
    main()
