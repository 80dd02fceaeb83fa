"""One process beside four on two cores: a job with five checks, run and then run again when it is finished.

The scripted model answers in the process that asks, at once, so that what is measured is this program and not
a server. Both sides are whole commands, with their start. They take turns, and ratios are taken pair by pair.
What limits the ratio is told as CPU: that of one process, that of the owner (which alone writes the journal
and the table), and that of all. On two cores, four processes take at least half of all.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

from benchmarks.checks import CHECKS, job
from benchmarks.workload import CORES, ROOT, environment, figure, machine, median, note, pin

ROWS, RUNS, PROCESSES = 50_000, 3, 4
LEAST_RATIO = 1.7


class Used(NamedTuple):
    """Seconds: by the clock, of CPU in the process that was started, and of CPU in all."""

    wall: float
    own: float
    all: float


def main() -> None:
    """Take turns, and print the medians."""
    with tempfile.TemporaryDirectory() as name:
        file = str(job(Path(name)))
        shown = {what: list[tuple[Used, Used]]() for what in ("run", "run again")}
        for _ in range(RUNS):
            one, four = _both(file, 1), _both(file, PROCESSES)
            for what, pair in zip(shown, zip(one, four, strict=True), strict=True):
                shown[what].append(pair)
    for what, pairs in shown.items():
        one, own, every = (
            median(cpu) for cpu in zip(*((a.all, b.own, b.all) for a, b in pairs), strict=True)
        )
        bound = one / max(own, every / 2)
        said = f"CPU {one:.1f} s in one; with {PROCESSES}: owner {own:.1f} s, all {every:.1f} s"
        note("processes", f"{what}: {said}; so at most {bound:.2f} times on two cores")
        ratios = [a.wall / b.wall for a, b in pairs]
        ratio = median(ratios)
        label = f"{what}, times one process ({min(ratios):.2f} to {max(ratios):.2f})"
        figure("processes", label, f"{ratio:.2f}", f">= {LEAST_RATIO}", ratio >= LEAST_RATIO)


def _both(file: str, processes: int) -> tuple[Used, Used]:
    """A run, and another one of the finished job."""
    shutil.rmtree(Path(file).parent / "output", ignore_errors=True)
    return _used(file, processes), _used(file, processes)


def _used(file: str, processes: int) -> Used:
    sets = (f"records.limit={ROWS}", f"steps.post.checks={json.dumps(CHECKS)}")
    command = [sys.executable, "-m", "pipeline", "run", file, "--processes", str(processes)]
    command += [word for one in sets for word in ("--set", one)]
    began, cpu = time.monotonic(), dict[int, float]()
    process = subprocess.Popen(
        command,
        cwd=ROOT,
        env=environment(),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        preexec_fn=lambda: pin(*CORES[:2]),
    )
    while process.poll() is None:
        cpu |= _tree(process.pid)
        time.sleep(0.1)
    assert process.returncode == 0
    return Used(time.monotonic() - began, cpu[process.pid], sum(cpu.values()))


def _tree(root: int) -> dict[int, float]:
    """Seconds of CPU of a process and of those under it, as far as they live."""
    parents, seconds = dict[int, int](), dict[int, float]()
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            fields = (folder / "stat").read_text().rpartition(")")[2].split()
        except OSError:
            continue
        pid, ticks = int(folder.name), int(fields[11]) + int(fields[12])
        parents[pid], seconds[pid] = int(fields[1]), ticks / os.sysconf("SC_CLK_TCK")
    found = {root}
    while more := {pid for pid, parent in parents.items() if parent in found} - found:
        found |= more
    return {pid: seconds[pid] for pid in found if pid in seconds}


if __name__ == "__main__":
    main()
    note("processes", machine())
