"""A whole `pipeline run` beside a bare aiohttp loop that posts the same prompts, both on one core.

5,000 rows, 2 KB prompts, 256 in flight; the scripted server answers after 100 ms in a process and on a core
of its own. Both sides are whole processes: start, imports, and for the pipeline the journal and the table.
They take turns, and the ratios are taken pair by pair, because a machine is never quiet.
"""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

from benchmarks.workload import (
    CLIENT_CORE,
    CORES,
    SERVER_CORE,
    Usage,
    figure,
    job,
    machine,
    median,
    note,
    pin,
    used,
)
from pipeline.testing import Script, serve

BASE_URL = "models.writer.base_url"
ROWS, CHARACTERS, IN_FLIGHT, RUNS = 5000, 2000, 256, 5
LEAST_SHARE, MOST_TIMES_BARE = 0.5, 3.5


def main() -> None:
    """Measure in turn, print medians and the medians of the ratios."""
    with tempfile.TemporaryDirectory() as name:
        pin(SERVER_CORE)  # the server inherits it
        with serve(Script(latency=0.1)) as server:
            pairs = [_pair(Path(name), server.base_url) for _ in range(RUNS)]
            paid = server.ledger().billed
        pin(*CORES)
    assert paid == 2 * RUNS * ROWS
    for label, runs in zip(("bare aiohttp", "pipeline"), zip(*pairs, strict=True), strict=True):
        rate = median([ROWS / run.wall for run in runs])
        cpu = median([run.cpu / ROWS * 1e6 for run in runs])
        note("throughput", f"{label:13} {rate:7,.0f} requests/s  {cpu:7,.0f} µs CPU/request")
    shares = [bare.wall / ours.wall for bare, ours in pairs]
    share, times = median(shares), [ours.cpu / bare.cpu for bare, ours in pairs]
    what = f"requests/s, times bare ({min(shares):.2f} to {max(shares):.2f})"
    figure("throughput", what, f"{share:.2f}", f">= {LEAST_SHARE}", share >= LEAST_SHARE)
    what = f"CPU, times bare ({min(times):.2f} to {max(times):.2f})"
    ratio = median(times)
    figure("throughput", what, f"{ratio:.2f}", f"<= {MOST_TIMES_BARE}", ratio <= MOST_TIMES_BARE)


def _pair(folder: Path, url: str) -> tuple[Usage, Usage]:
    """What the bare loop used, and what the pipeline did right after it."""
    file = job(folder, ROWS, CHARACTERS, IN_FLIGHT)
    shutil.rmtree(folder / "output", ignore_errors=True)
    records, one = str(folder / f"{ROWS}.csv"), (CLIENT_CORE,)
    bare = used("-m", "benchmarks.bare", url, records, str(IN_FLIGHT), cores=one)
    return bare, used("-m", "pipeline", "run", str(file), "--set", f"{BASE_URL}={url}", cores=one)


if __name__ == "__main__":
    main()
    note("throughput", machine())
