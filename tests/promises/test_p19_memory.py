"""P19: memory does not grow with the number of rows. Up to 50,000 rows are a benchmark (make bench)."""

from __future__ import annotations

from pathlib import Path

from benchmarks.workload import job as bench_job
from benchmarks.workload import used

FEW, MANY = 1_000, 6_000


MOST_GROWTH, MOST_BYTES_A_ROW = 1.10, 150


def test_p19_memory_does_not_grow_with_the_rows(tmp_path: Path) -> None:
    peaks = []
    for rows in (FEW, MANY):
        file = bench_job(tmp_path, rows, 200, 32, "scripted")
        ledger = (
            f"options: {{ledger: {tmp_path}/{rows}.jsonl}}"  # else the fake keeps its own account in memory
        )
        file.write_text(file.read_text().replace("api_key_env: BENCH_KEY", ledger))
        peaks.append(used("-m", "pipeline", "run", str(file)).peak)
    few, many = peaks
    assert many <= few * MOST_GROWTH + MANY * MOST_BYTES_A_ROW / (1 << 20), peaks
