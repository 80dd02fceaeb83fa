"""Comma-separated text with a header line, UTF-8: cells are text as written (also .csv.gz, .csv.zst).

This module does not know what the cells mean; no type is guessed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline.tables import _delimited
from pipeline.tables._text import Delimited

if TYPE_CHECKING:
    from pathlib import Path

    import polars as pl


SPREADSHEET = True


def scan(path: Path) -> pl.LazyFrame:
    """All columns as String; `InputError` with the line number for whatever is not well formed."""
    return _delimited.scan(path, ",")


def place(path: Path, row: int) -> str:
    """Where the record number `row` (1-based) begins: "line 12"."""
    return _delimited.place(path, row, ",")


def create(path: Path, target: Path, schema: pl.Schema) -> Delimited:
    """Begin the file `path` that will become `target`."""
    return Delimited(path, target, schema, ",")
