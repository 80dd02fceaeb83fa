"""What a job published last, read again for a person: rows of its table, and why rows of it failed.

The table is the one that the receipt names, so a run under another name shows its own. The reasons stand in
`failures.csv`, in the order of the table's failed rows. This module writes nothing, and does not know how
answers are kept.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson
import polars as pl

from pipeline.core import adapters
from pipeline.core.errors import JobError
from pipeline.core.suggest import nearest
from pipeline.job.spec import Job
from pipeline.output.receipt import NAME, part_of
from pipeline.records.documents import key_columns
from pipeline.system.files import adapter_name

FAILURES = "failures.csv"
_NUMBER = "\0number"  # a column that no file has: which of the failed rows it is


@dataclass(frozen=True)
class Shown:
    """Some rows of a result, and how many there are of that kind."""

    rows: list[dict[str, Any]]
    reasons: list[str]
    """for each row the step, the kind and the message of its failure; '' where nothing is known of one"""
    total: int
    chosen: str  # which part of the records the table was written of; '' for all of them
    unchanged: bool  # whether the table is as the job wrote it; else nobody knows why a row of it failed


def table_of(job: Job) -> tuple[Path, bool] | None:
    """The table that the job's last run wrote, and whether it is unchanged; None where there is none."""
    try:
        listed = json.loads((job.folder / NAME).read_bytes())["files"]
        sums = {job.root / one["path"]: one["sha256"] for one in listed}
    except (OSError, ValueError, LookupError, TypeError):
        sums = dict.fromkeys(job.targets) if (job.folder / "journal.sqlite").exists() else {}
    files = [file for file in sums if file.name != FAILURES and _is_inside(file, job) and file.exists()]
    wanted = [target for target in job.targets if target in files]
    for file in [*wanted, *files]:
        with file.open("rb") as stream:
            return file, sums[file] in (None, hashlib.file_digest(stream, "sha256").hexdigest())
    return None


def _is_inside(file: Path, job: Job) -> bool:
    """Whether a file that the receipt names is one that the job may name: anybody could write a receipt."""
    return file in job.targets or file.resolve().is_relative_to(job.root.resolve())


def shown_of(job: Job, *, failed: bool, key: str | None, step: str | None, most: int) -> Shown | None:
    """The first rows of all, or of those that are asked for; None where the job has no result."""
    if (found := table_of(job)) is None:
        return None
    table, unchanged = found
    scan: pl.LazyFrame = adapters.load("tables", adapter_name(table)[0]).scan(table)
    names = scan.collect_schema().names()
    reasons = list(_failures(job)) if "_status" in names and unchanged else []
    number = (pl.col("_status") == "failed").cum_sum() if reasons else pl.lit(0)
    scan = scan.with_columns(number.alias(_NUMBER))
    if failed:
        if "_status" not in names:
            hint = f"add status to output.include, or look into {job.folder / FAILURES}"
            raise JobError("the table does not say which rows failed", where="--failed", hint=hint)
        scan = scan.filter(pl.col("_status") == "failed")
        if step is not None:
            here = [i for i, (at, _) in enumerate(reasons, 1) if at == step]
            scan = scan.filter(pl.col(_NUMBER).is_in(here))
    if key is not None:
        scan = scan.filter(_has(job, key, names))
    total = scan.select(pl.len()).collect().item()
    if key is not None and not total:
        what = f"no{' failed' if failed else ''} row has the key '{key}'"
        raise JobError(
            what, where=table.name, hint="`pipeline show JOB --rows 100` lists rows with their keys"
        )
    rows = scan.head(most).collect().to_dicts()
    failures = [row.get("_status") == "failed" for row in rows]
    numbers = [row.pop(_NUMBER) * failed for row, failed in zip(rows, failures, strict=True)]
    said = [": ".join(reasons[number - 1]) if 0 < number <= len(reasons) else "" for number in numbers]
    return Shown(rows, said, total, part_of(job), unchanged)


def _failures(job: Job) -> Iterator[tuple[str, str]]:
    """The step and the reason of every failed row, in the order of the table."""
    path = job.folder / FAILURES
    if not path.exists():
        return
    table = adapters.load("tables", "csv").scan(path).select("step", "kind", "message")
    for step, kind, message in table.collect().iter_rows():
        yield step, f"{kind}: {message}"


def _has(job: Job, key: str, names: list[str]) -> pl.Expr:
    """Whether a row has this key: a column's text, or a list of several columns' in JSON."""
    columns = key_columns(job.records, job.file.parent) or (("_key",) if "_key" in names else ())
    if not columns:
        hint = "set records.key, or add key to output.include"
        raise JobError("the rows of this job have no key", where="--key", hint=hint)
    if gone := [name for name in columns if name not in names]:
        raise JobError(f"the table has no column '{gone[0]}'", where="--key", hint=nearest(gone[0], names))
    values: list[Any] = [key]
    if len(columns) > 1:
        try:
            values = orjson.loads(key)
        except ValueError:
            values = []
        if not isinstance(values, list) or len(values) != len(columns):
            hint = f"the values of {', '.join(columns)} as JSON: '[1, \"en\"]'"
            raise JobError(f"'{key}' is not a key of this job", where="--key", hint=hint)
    texts = ([str(value), f"'{value}"] for value in values)  # the second as `spreadsheet_safe` writes it
    pairs = zip(columns, texts, strict=True)
    return pl.all_horizontal(pl.col(name).cast(pl.String).is_in(either) for name, either in pairs)
