"""A whole `pipeline run` by batch beside the same one by one: seconds of CPU, peak memory, bytes on the disk.

The scripted server answers at once, in both lanes: so what is measured is what the program itself needs.
"""

from __future__ import annotations

import tempfile
from pathlib import Path

from benchmarks.throughput import BASE_URL
from benchmarks.workload import Usage, figure, job, machine, note, used
from pipeline.testing import Script, serve

SIZES, CHARACTERS, IN_FLIGHT = (10_000, 40_000), 800, 64
MOST_CPU, MOST_BYTES = 1.1, 400
LANE = "models.writer.lane={}"


def main() -> None:
    """Run both lanes with both sizes; print CPU, peaks and the journal."""
    peaks: dict[int, float] = {}
    for rows in SIZES:
        alone, batched = _run(rows, "sync"), _run(rows, "batch")
        ratio = batched.cpu / alone.cpu
        what = f"CPU by batch with {rows:,} rows, times that one by one"
        figure("night", what, f"{ratio:.2f}", f"<= {MOST_CPU}", ratio <= MOST_CPU)
        peaks[rows] = batched.peak
    few, many = SIZES
    growth = (peaks[many] - peaks[few]) * 1e6 / (many - few)
    figure(
        "night",
        "memory for each waiting request",
        f"{growth:.0f} bytes",
        f"<= {MOST_BYTES} bytes",
        growth <= MOST_BYTES,
    )


def _run(rows: int, lane: str) -> Usage:
    with tempfile.TemporaryDirectory() as name, serve(Script()) as server:
        file = job(Path(name), rows, CHARACTERS, IN_FLIGHT)
        sets = ("--set", f"{BASE_URL}={server.base_url}", "--set", LANE.format(lane))
        usage = used("-m", "pipeline", "run", str(file), *sets)
        assert server.ledger().billed == rows
        journal = next(Path(name).rglob("journal.sqlite")).stat().st_size / rows
    said = f"{usage.wall:.0f} s, {usage.cpu:.1f} s of CPU, peak {usage.peak:.0f} MB"
    note("night", f"{rows:,} rows by {lane}: {said}, journal {journal:,.0f} bytes a row")
    return usage


if __name__ == "__main__":
    main()
    note("night", machine())
