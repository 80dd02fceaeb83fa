"""CPU seconds of `pipeline --help` and of `pipeline run` over one row, and what quick commands import."""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from benchmarks.workload import ROOT, environment, figure, job, machine, median, note, used
from pipeline.testing import Script, serve

RUNS, MOST, MOST_OF_A_RUN = 7, 0.35, 0.8
HEAVY = ("openai", "polars", "aiohttp")
_COMMAND = """
import atexit, sys
heavy = sys.argv.pop(1).split(",")
atexit.register(lambda: print("imported:", *sorted(set(heavy) & set(sys.modules)), file=sys.stderr))
from pipeline.cli import main
main()
"""


def main() -> None:
    """Measure in turn with an empty program, then look at what each quick command imported."""
    empty, ours = [], []
    for _ in range(RUNS):
        empty.append(used("-c", "pass").cpu)
        ours.append(used("-m", "pipeline", "--help").cpu)
    seconds, nothing = median(ours), median(empty)
    note("startup", f"python -c pass: {nothing:.3f} s CPU; --help is {seconds / nothing:.1f} times that")
    figure("startup", "CPU of pipeline --help", f"{seconds:.3f} s", f"<= {MOST} s", seconds <= MOST)
    one = _one_row()
    note("startup", f"a run over one row is {one / nothing:.0f} times python -c pass")
    figure("startup", "CPU of pipeline run", f"{one:.3f} s", f"<= {MOST_OF_A_RUN} s", one <= MOST_OF_A_RUN)
    with tempfile.TemporaryDirectory() as folder:
        for command in (["--help"], ["kinds"], ["schema"], ["new", str(Path(folder) / "a.yaml")]):
            found = imported(command)
            what = f"heavy packages that {command[0]} imports"
            figure("startup", what, ", ".join(found) or "none", "none", not found)


def _one_row() -> float:
    """CPU seconds of a whole run over one row: the command, all it imports, a request, the table."""
    seconds = []
    with tempfile.TemporaryDirectory() as name, serve(Script(latency=0.01)) as server:
        file = job(Path(name), 1, 800, 64)
        for _ in range(RUNS):
            shutil.rmtree(Path(name) / "output", ignore_errors=True)
            address = f"models.writer.base_url={server.base_url}"
            seconds.append(used("-m", "pipeline", "run", str(file), "--set", address).cpu)
    return median(seconds)


def imported(command: list[str]) -> list[str]:
    """Which of `HEAVY` a command has imported when it ends."""
    done = subprocess.run(
        [sys.executable, "-c", _COMMAND, ",".join(HEAVY), *command],
        cwd=ROOT,
        env=environment(),
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stderr.splitlines()[-1].removeprefix("imported:").split()


if __name__ == "__main__":
    main()
    note("startup", machine())
