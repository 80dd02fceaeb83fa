"""The record of what was published last: which files, their bytes and SHA-256, how many rows of each status.

    {"job": "shop", "published": "2026-11-22T18:40:03+00:00",
     "rows": {"ok": 2, "failed": 1, "skipped": 0, "pending": 0},
     "files": [{"path": "output/shop/posts.csv", "bytes": 812, "sha256": "9f2c…"}],
     "folders": [{"path": "output/shop/articles", "files": 2, "bytes": 1630, "sha256": "77ab…"}]}

`folders` is there where the rows have files; its SHA-256 is that of their list (`manifest.py`).

The receipt is written after the files are in place: if a kill comes in between, it describes older files.
Paths are relative to the folder that `output/` stands in, absolute outside of it. This module does not know
what is in the files.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

from pipeline.job.spec import Job
from pipeline.output.folder import Filed, label
from pipeline.output.table import Written
from pipeline.system.files import writing

NAME = "published.json"


def write_receipt(
    job: Job, rows: Mapping[str, int], files: Iterable[Written], filed: Filed | None = None
) -> None:
    """Write the receipt of what is published now; `DiskError` where it cannot be written."""
    listed = [{**asdict(one), "path": label(one.path, job.root)} for one in files]
    now = datetime.now(UTC).isoformat(timespec="seconds")
    receipt = {"job": job.name, "published": now, "rows": dict(rows), "files": listed}
    if filed:
        receipt["folders"] = [{"path": label(filed.folder, job.root), **asdict(filed.listed)}]
    _write(job, receipt)


def _write(job: Job, receipt: Mapping[str, Any]) -> None:
    path = job.folder / NAME
    aside = path.with_name(f".{NAME}.{os.getpid()}.part")  # an export may be writing, too
    with writing(path):
        descriptor = os.open(
            aside, os.O_CREAT | os.O_TRUNC | os.O_WRONLY | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600
        )
        with os.fdopen(descriptor, "w") as file:
            json.dump(receipt, file, indent=1)
            file.write("\n")
            file.flush()
            os.fsync(descriptor)
        aside.replace(path)
