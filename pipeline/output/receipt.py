"""The record of what was published last: which files, their bytes and SHA-256, how many rows of each status.

    {"job": "shop", "published": "2026-11-22T18:40:03+00:00",
     "rows": {"ok": 2, "failed": 1, "skipped": 0, "pending": 0},
     "files": [{"path": "output/shop/posts.csv", "bytes": 812, "sha256": "9f2c…"}],
     "folders": [{"path": "output/shop/articles", "files": 2, "bytes": 1630, "sha256": "77ab…"}],
     "journal": {"number": 1289475, "last": 3}}

`folders` is there where the rows have files; its SHA-256 is that of their list (`manifest.py`). `objects`
is there where a table went to a store: by address, the tag that the store gave it, and its SHA-256. By
`journal`, another journal is not taken for the one that the result was written from (`journal/sound.py`).

The receipt is written after the files are in place: if a kill comes in between, it describes older files. So
that the job can tell its own tables, `known` lists others that it has written earlier, and those that it was
about to move into place; it is left out where there are none.
Paths are relative to the folder that `output/` stands in, absolute outside of it. This module does not know
what is in the files.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from pipeline.job.spec import Job
from pipeline.output.folder import Filed, label
from pipeline.output.table import Written
from pipeline.system.files import replace_file

NAME = "published.json"
Known = tuple[int, str]  # the bytes of a file and its SHA-256


def known_files(job: Job) -> dict[Path, set[Known]]:
    """The tables that the job has written, or was about to write; empty where there is no receipt."""
    found: dict[Path, set[Known]] = {}
    for one in (*_listed(job, "files"), *_listed(job, "known")):
        path = Path(os.path.realpath(job.root / one["path"]))
        found.setdefault(path, set()).add((one["bytes"], one["sha256"]))
    return found


def _listed(job: Job, name: str) -> list[dict[str, Any]]:
    found = _read(job).get(name)
    kinds = {"path": str, "bytes": int, "sha256": str}
    return [
        one
        for one in (found if isinstance(found, list) else ())
        if isinstance(one, dict) and all(isinstance(one.get(name), kind) for name, kind in kinds.items())
    ]


def _read(job: Job) -> dict[str, Any]:
    """The receipt; empty where there is none that can be read."""
    try:
        receipt = json.loads((job.folder / NAME).read_bytes())
    except (OSError, ValueError):
        return {}
    return receipt if isinstance(receipt, dict) else {}


def part_of(job: Job) -> str:
    """Which part of the records the last table was written of; '' for all of them."""
    found = _read(job).get("chosen")
    return found if isinstance(found, str) else ""


def rows_of(job: Job) -> int:
    """How many rows the table has that stands where the job writes; 0 where nothing is known of it."""
    found, there = _read(job).get("rows"), {job.root / one["path"] for one in _listed(job, "files")}
    if not isinstance(found, dict) or job.targets[0] not in there or not job.targets[0].exists():
        return 0
    return sum(count for count in found.values() if isinstance(count, int))


def note_coming(job: Job, files: Iterable[Written]) -> None:
    """Note in the receipt, before they are moved into place, which tables come."""
    known = known_files(job)
    coming = [one for one in files if (one.bytes, one.sha256) not in known.get(one.path, ())]
    if coming:
        receipt = _read(job) or {"job": job.name, "files": []}
        _write(job, {**receipt, "known": _listed(job, "known") + [_entry(job, one) for one in coming]})


def _entry(job: Job, file: Written) -> dict[str, Any]:
    return {**asdict(file), "path": label(file.path, job.root)}


def write_receipt(
    job: Job,
    rows: Mapping[str, int],
    files: Iterable[Written],
    filed: Filed | None,
    journal: Mapping[str, int],
    chosen: str = "",
) -> None:
    """Write the receipt of what is published now; `DiskError` where it cannot be written."""
    listed = [_entry(job, one) for one in files]
    now_there = {one["path"] for one in listed}
    earlier = _listed(job, "files") + _listed(job, "known")
    others = [
        one for one in earlier if one["path"] not in now_there and Path(one["path"]).name != "failures.csv"
    ]
    now = datetime.now(UTC).isoformat(timespec="seconds")
    receipt: dict[str, Any] = {"job": job.name, "published": now, "rows": dict(rows), "files": listed}
    receipt["journal"] = dict(journal)
    if filed:
        receipt["folders"] = [{"path": label(filed.folder, job.root), **asdict(filed.listed)}]
    if chosen:
        receipt["chosen"] = chosen
    if others:
        receipt["known"] = others
    if objects := _read(job).get("objects"):
        receipt["objects"] = objects
    _write(job, receipt)


def known_objects(job: Job) -> dict[str, dict[str, str]]:
    """What the job has written to stores: by address the tag that the store gave, and the SHA-256."""
    found = _read(job).get("objects")
    return {
        url: one
        for url, one in (found.items() if isinstance(found, dict) else ())
        if isinstance(one, dict) and {"e_tag", "sha256"} <= one.keys()
    }


def note_object(job: Job, url: str, e_tag: str, sha256: str) -> None:
    """Note in the receipt what stands in a store now."""
    objects = {**known_objects(job), url: {"e_tag": e_tag, "sha256": sha256}}
    _write(job, {**_read(job), "objects": objects})


def _write(job: Job, receipt: Mapping[str, Any]) -> None:
    replace_file(job.folder / NAME, [f"{json.dumps(receipt, indent=1)}\n".encode()])
