"""What a user gives as records: a frame, a list of dicts, or the name of a file; and the slips in it.

This module does not read files.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, TypeAlias

import polars as pl

from pipeline.core.errors import InputError, JobError

Rows: TypeAlias = pl.DataFrame | pl.LazyFrame | Sequence[Mapping[str, Any]]
"""what may take the place of a file"""


def as_frame(rows: Rows) -> pl.DataFrame | pl.LazyFrame:
    """The rows as a frame; `InputError` for what is none."""
    if isinstance(rows, pl.DataFrame | pl.LazyFrame):
        return rows
    hint = "give a polars frame, or a list of dicts with one type of value in each column"
    if not isinstance(rows, list | tuple) or not all(isinstance(row, Mapping) for row in rows):
        given = type(rows).__name__
        raise InputError(f"`records` cannot be a {given}", where="records", hint=f"{hint}: pl.from_pandas(…)")
    try:
        return pl.DataFrame([dict(row) for row in rows], infer_schema_length=None)
    except (pl.exceptions.PolarsError, TypeError, ValueError, OverflowError):
        raise InputError("the values of a column have several types", where="records", hint=hint) from None


def refuse_slips(written: str, path: Path) -> None:
    """Refuse a name in the job file that is a slip, with the name that is meant."""
    if path.name.startswith("~$"):
        hint = f"name the table itself: from: {written.replace('~$', '')}"
        raise JobError("this file is Excel's note that a table is open", where="records.from", hint=hint)
    if "\\" in written and not path.exists():
        hint = f"write / between folders: from: {written.replace(chr(92), '/')}"
        raise JobError(f"there is no file '{written}'", where="records.from", hint=hint)
