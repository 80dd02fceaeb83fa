"""What all benchmarks share: tables of text, a job over them, measured child processes, printed figures."""

from __future__ import annotations

import csv
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

CORES = sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else [0]
CLIENT_CORE, SERVER_CORE = CORES[0], CORES[-1]
MODEL = "gpt-4o-mini"
"""a name with a known encoding: a tokenizer that is loaded for nothing would show"""
LOREM = "lorem ipsum dolor sit amet, " * 400
ROOT = Path(__file__).parent.parent


def job(
    folder: Path, rows: int, characters: int, in_flight: int, provider: str = "openai", suffix: str = "csv"
) -> Path:
    """A job over a CSV of `rows` rows with `characters` characters each; returns the job file."""
    records = folder / f"{rows}.csv"
    with records.open("w", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(["id", "text"])
        writer.writerows((f"{i:07}", f"row {i:07} {LOREM}"[:characters]) for i in range(rows))
    file = folder / f"job{rows}.yaml"
    model = (
        f"{{provider: {provider}, model: {MODEL}, api_key_env: BENCH_KEY,"
        f" limits: {{concurrency: {in_flight}}}}}"
    )
    file.write_text(
        f"name: bench-{rows}\nrecords: {{from: {records.name}, key: id}}\nmodels:\n  writer: {model}\n"
        'steps:\n  - {name: post, prompt: "Write: {{ text }}"}\n'
        f"output: {{to: output/bench-{rows}/posts.{suffix}}}\n"
    )
    return file


def measured(module: str, *arguments: str, core: int = CLIENT_CORE) -> dict[str, Any]:
    """Run a module that prints one JSON object, on one core, and give back the object."""
    command = [sys.executable, "-m", module, *arguments]
    done = subprocess.run(
        command, cwd=ROOT, check=False, capture_output=True, preexec_fn=lambda: pin(core), env=environment()
    )
    if done.returncode:
        raise SystemExit(f"{' '.join(command)}\n{done.stderr.decode()[-2000:]}")
    numbers: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return numbers


@dataclass(frozen=True, slots=True)
class Usage:
    """What a whole process used, imports included: seconds of the clock and of CPU, its peak memory in MB."""

    wall: float
    cpu: float
    peak: float


def used(*arguments: str, cores: Sequence[int] = CORES) -> Usage:
    """Run Python with these arguments to its end, on some cores, and say what it used."""
    command = [sys.executable, *arguments]
    began = time.monotonic()
    with tempfile.TemporaryFile() as said:
        process = subprocess.Popen(
            command,
            cwd=ROOT,
            env=environment(),
            stdout=said,
            stderr=said,
            preexec_fn=lambda: pin(*cores),
        )
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            said.seek(0)
            raise SystemExit(f"{' '.join(command)}\n{said.read().decode()[-2000:]}")
    unit = 1 << 20 if sys.platform == "darwin" else 1 << 10
    return Usage(time.monotonic() - began, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / unit)


def environment() -> dict[str, str]:
    """The environment of a measured process, with a key for a server that asks for none.

    Modules are compiled once, as they are for everybody who runs a command twice.
    """
    return {**os.environ, "BENCH_KEY": "a-key-of-no-worth", "PYTHONDONTWRITEBYTECODE": ""}


def pin(*cores: int) -> None:
    """Keep this process on these cores, where the system can."""
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, cores)


def median(values: Sequence[float]) -> float:
    """The middle one, or the mean of the middle two."""
    return statistics.median(values)


def machine() -> str:
    """What the figures were taken on, in a line."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        lines = []
    models = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    model = models[0] if models else platform.processor() or platform.machine()
    python = f"{platform.python_implementation()} {platform.python_version()}"
    return f"taken on {len(CORES)} cores of {model}, {python}, {platform.system()} {platform.release()}"


def figure(benchmark: str, what: str, value: str, wanted: str, met: bool) -> None:
    """Print one figure beside what was wanted."""
    verdict = "met" if met else "MISSED"
    print(f"{benchmark:11} {what:42} {value:>12}   wanted {wanted:10} {verdict}", flush=True)


def note(benchmark: str, text: str) -> None:
    """Print a line that goes with the figures."""
    print(f"{benchmark:11} {text}", flush=True)
