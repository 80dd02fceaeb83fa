"""A plan and a check keep no leaf of a fan-out: only what they count."""

from __future__ import annotations

import tracemalloc
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from pipeline import load, plan
from pipeline.job.spec import Job
from pipeline.runs.session import Session

RECORDS, SIDE = 40, 20
MOST_BYTES_A_LEAF = 400
"""a leaf with its request is more than 5,000"""


def job_of(folder: Path) -> Job:
    """A job with 400 rows for each record."""
    rows = "".join(f"{i},thing {i}\n" for i in range(RECORDS))
    (folder / "records.csv").write_text(f"sku,title\n{rows}")
    each = {name: [f"{name}{i}" for i in range(SIDE)] for name in ("lang", "tone")}
    job = {
        "name": "big",
        "records": {"from": "records.csv", "key": "sku"},
        "models": {"m": {"provider": "scripted", "model": "x"}},
        "steps": [{"name": "post", "each": each, "prompt": "In {{ lang }}, {{ tone }}: {{ title }}"}],
    }
    file = folder / "job.yaml"
    file.write_text(yaml.safe_dump(job))
    return load(file)


def checked(job: Job) -> None:
    """All that `check --rows` does."""
    session = Session.open(job)
    for batch in session.source.batches():
        assert not [fault for record in batch for fault in session.faults(record)]


@pytest.mark.parametrize("work", [plan, checked])
def test_a_fan_out_is_not_kept_in_memory(work: Callable[[Job], object], tmp_path: Path) -> None:
    job = job_of(tmp_path)
    work(job)  # what is loaded once is not counted
    tracemalloc.start()
    try:
        work(job)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < RECORDS * SIDE * SIDE * MOST_BYTES_A_LEAF
