"""Peak memory of a whole `pipeline run`: 50,000 rows (40 MB of CSV) beside 10,000 rows.

64 in flight against the scripted server, which answers at once: what is still to be written piles up most.
"""

from __future__ import annotations

import tempfile
from pathlib import Path

from benchmarks.throughput import BASE_URL
from benchmarks.workload import Usage, figure, job, machine, note, used
from pipeline.testing import Script, serve

FEW, MANY, CHARACTERS, IN_FLIGHT = 10_000, 50_000, 800, 64
MOST, MOST_GROWTH = 160, 1.15


def main() -> None:
    """Run both, print their peaks and the ratio."""
    few, many = _peak(FEW), _peak(MANY)
    growth = many.peak / few.peak
    for rows, usage in ((FEW, few), (MANY, many)):
        what, value = f"peak with {rows:,} rows", f"{usage.peak:.0f} MB"
        figure("memory", what, value, f"<= {MOST} MB", usage.peak <= MOST)
    what = "that with many rows, times that with few"
    figure("memory", what, f"{growth:.2f}", f"<= {MOST_GROWTH}", growth <= MOST_GROWTH)


def _peak(rows: int) -> Usage:
    with tempfile.TemporaryDirectory() as name, serve(Script()) as server:
        file = job(Path(name), rows, CHARACTERS, IN_FLIGHT)
        size = (Path(name) / f"{rows}.csv").stat().st_size / 1e6
        usage = used("-m", "pipeline", "run", str(file), "--set", f"{BASE_URL}={server.base_url}")
        assert server.ledger().billed == rows
    note("memory", f"{rows:,} rows, {size:.0f} MB of CSV: {usage.wall:.0f} s, peak {usage.peak:.0f} MB")
    return usage


if __name__ == "__main__":
    main()
    note("memory", machine())
