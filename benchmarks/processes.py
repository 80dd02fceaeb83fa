"""A whole `pipeline run` in four processes beside the same in one: seconds of the clock, on two cores.

The job writes a text of a thousand words for each row, with four checks; its model answers in the process that
asks, after 50 ms, so that its CPU counts on both sides. The ratio is that of whole runs, with start, look-up and
table; that of the same command again, when nothing is sent any more, is given, too. They take turns.
"""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

from benchmarks.ray import checked_job
from benchmarks.workload import Usage, figure, machine, median, note, used

ROWS, RUNS, PROCESSES, LEAST_TIMES = 6_000, 3, 4, 1.7


def main() -> None:
    """Run in turn; print the medians, and the median of the ratios."""
    with tempfile.TemporaryDirectory() as name:
        pairs = [(_run(Path(name), 1), _run(Path(name), PROCESSES)) for _ in range(RUNS)]
    for place, what in enumerate(("asking", "again, nothing is sent")):
        one, many = [runs[place] for runs, _ in pairs], [runs[place] for _, runs in pairs]
        for label, runs in (("one process", one), (f"{PROCESSES} processes", many)):
            wall, cpu = median([run.wall for run in runs]), median([run.cpu for run in runs])
            note("processes", f"{what}: {label} {wall:.1f} s, {cpu:.1f} s of CPU for {ROWS:,} rows")
        times = [alone.wall / several.wall for alone, several in zip(one, many, strict=True)]
        said = f"{what}, times one process ({min(times):.2f} to {max(times):.2f})"
        figure("processes", said, f"{median(times):.2f}", f">= {LEAST_TIMES}", median(times) >= LEAST_TIMES)


def _run(folder: Path, processes: int) -> tuple[Usage, Usage]:
    """A run that asks, and the same again."""
    file = checked_job(folder, ROWS)
    command = ("-m", "pipeline", "run", str(file), "--processes", str(processes))
    asking, again = used(*command), used(*command)
    shutil.rmtree(folder / "output")
    return asking, again


if __name__ == "__main__":
    main()
    note("processes", machine())
