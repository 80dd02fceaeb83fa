"""One run of a job in this process, measured.

    python -m benchmarks.ours JOB [KEY=VALUE ...]

Prints one JSON object: rows, requests sent, wall and CPU seconds of the run (after one row
as a warm-up, so without imports), and the whole process' peak memory in MB.
"""

from __future__ import annotations

import json
import resource
import sys
import time

import pipeline


def cpu() -> float:
    """User and system seconds of this process."""
    own = resource.getrusage(resource.RUSAGE_SELF)
    return own.ru_utime + own.ru_stime


def main() -> None:
    """Run once."""
    job = pipeline.load(sys.argv[1], sys.argv[2:])
    pipeline.run(pipeline.load(sys.argv[1], [*sys.argv[2:], "name=warm-up", "records.limit=1", "output={}"]))
    before, began = cpu(), time.monotonic()
    result = pipeline.run(job)
    wall, used = time.monotonic() - began, cpu() - before
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    numbers = {
        "rows": result.rows,
        "ok": result.ok,
        "sent": result.sent,
        "wall": wall,
        "cpu": used,
        "peak": peak,
    }
    print(json.dumps(numbers))


if __name__ == "__main__":
    main()
