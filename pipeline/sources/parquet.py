"""Parquet: columns with their types, nested ones too.

The whole file is read once before it is used, so a damaged page is found before anything is spent.
This module does not know what the columns mean.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import polars as pl

from pipeline.errors import InputError
from pipeline.files import readable_file

if TYPE_CHECKING:
    from pathlib import Path

# polars decodes several row groups ahead; one is enough to be faster than any model, and keeps memory low
os.environ.setdefault("POLARS_ROW_GROUP_PREFETCH_SIZE", "1")

ROWS = 512


def scan(path: Path) -> pl.LazyFrame:
    """The file's columns; `InputError` for a file that is damaged or no Parquet."""
    readable_file(path)
    frame = pl.scan_parquet(path, glob=False, hive_partitioning=False)
    try:
        for _ in frame.collect_batches(chunk_size=ROWS, maintain_order=True):
            pass
    except (pl.exceptions.PolarsError, pl.exceptions.PanicException, OSError) as error:
        reason = str(error).strip().splitlines()[0][:200]
        raise InputError("the file is damaged, or no Parquet", where=str(path), hint=reason) from error
    return frame


def place(path: Path, row: int) -> str:
    """Where the record number `row` (1-based) stands."""
    return f"row {row}"
