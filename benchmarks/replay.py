"""A finished job run again: 100,000 rows looked up in the journal and written anew, as CSV and as Parquet.

The journal is filled by the scripted model in process. Each figure is the median of three runs.
"""

from __future__ import annotations

import tempfile
from pathlib import Path

from benchmarks.workload import figure, job, machine, measured, median, note

ROWS, CHARACTERS, IN_FLIGHT, RUNS = 100_000, 80, 256, 3
LEAST_RATE = 25_000


def main() -> None:
    """Fill, replay, print rows per second."""
    with tempfile.TemporaryDirectory() as name:
        file = str(job(Path(name), ROWS, CHARACTERS, IN_FLIGHT, "scripted"))
        filled = measured("benchmarks.ours", file)
        note("replay", f"filled with {filled['ok']:,} answers in {filled['wall']:.0f} s")
        for suffix in ("csv", "parquet"):
            change = f"output.to=output/bench-{ROWS}/posts.{suffix}"
            runs = [measured("benchmarks.ours", file, change) for _ in range(RUNS)]
            assert all(run["ok"] == ROWS and run["sent"] == 0 for run in runs)
            rate = median([ROWS / run["wall"] for run in runs])
            what = f"rows/s into {suffix}, {ROWS:,} rows"
            figure("replay", what, f"{rate:,.0f}", f">= {LEAST_RATE:,}", rate >= LEAST_RATE)


if __name__ == "__main__":
    main()
    note("replay", machine())
