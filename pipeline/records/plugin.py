"""The records that a source of the job's own gives: a function of a plugin, asked once for all of them.

This module does not know keys, nor which of the rows are used.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pipeline.core.domain import Fault
from pipeline.core.errors import InputError
from pipeline.job.spec import Job
from pipeline.records.opening import Rows


def given(job: Job, records: Rows | None) -> Rows | None:
    """What takes the place of a file: the caller's rows, else those of the source that the job names."""
    return rows_of(job) if records is None and job.records.plugin else records


def rows_of(job: Job) -> list[Mapping[str, Any]]:
    """All rows, in memory, because records are read more than once; `InputError` where they are none."""
    spec = job.records
    source = job.code.named("source", spec.plugin, "records.plugin")
    where = f"{source.file}, source_{spec.plugin}"
    try:
        rows: list[Any] = source.guarded(lambda: list(source.function(dict(spec.options))))
    except Fault as fault:
        raise InputError(fault.message, where=where) from None
    for number, row in enumerate(rows, 1):
        if not isinstance(row, Mapping) or not all(isinstance(name, str) for name in row):
            hint = 'give one dict for each record, with texts as names: yield {"title": "tea"}'
            raise InputError(f"record {number} is no dict of columns", where=where, hint=hint)
    if not rows:
        raise InputError("it gives no records", where=where)
    return rows
