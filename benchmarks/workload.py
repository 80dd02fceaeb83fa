"""What all benchmarks share: tables of text, a job over them, and measured child processes."""

from __future__ import annotations

import csv
import json
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

CLIENT_CORE, SERVER_CORE = 0, (os.cpu_count() or 1) - 1
LOREM = "lorem ipsum dolor sit amet, " * 400
ROOT = Path(__file__).parent.parent


def job(folder: Path, rows: int, characters: int, in_flight: int, provider: str = "openai") -> Path:
    """A job over a CSV of `rows` rows with `characters` characters each; returns the job file."""
    records = folder / f"{rows}.csv"
    with records.open("w", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(["id", "text"])
        writer.writerows((f"{i:07}", f"row {i:07} {LOREM}"[:characters]) for i in range(rows))
    file = folder / f"job{rows}.yaml"
    model = (
        f"{{provider: {provider}, model: m, api_key_env: BENCH_KEY, limits: {{concurrency: {in_flight}}}}}"
    )
    file.write_text(
        f"name: bench-{rows}\nrecords: {{from: {records.name}, key: id}}\nmodels:\n  writer: {model}\n"
        'steps:\n  - {name: post, prompt: "Write: {{ text }}"}\n'
        f"output: {{to: output/bench-{rows}/posts.csv}}\n"
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


def environment() -> dict[str, str]:
    """The environment of a measured process: no more threads than its one core can run."""
    return {**os.environ, "POLARS_MAX_THREADS": "1", "BENCH_KEY": "a-key-of-no-worth"}


def pin(core: int) -> None:
    """Keep this process on one core, where the system can."""
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {core})


def median(values: Sequence[float]) -> float:
    """The middle one."""
    return sorted(values)[len(values) // 2]
