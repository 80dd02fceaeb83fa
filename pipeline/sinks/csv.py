"""Comma-separated text, UTF-8; lists and objects as JSON text (also .csv.gz, .csv.zst).

This module does not know where the rows come from.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline.sinks._delimited import Delimited

if TYPE_CHECKING:
    from pathlib import Path

    import polars as pl


SPREADSHEET = True
"""spreadsheets open it"""


def create(path: Path, target: Path, schema: pl.Schema) -> Delimited:
    """Begin the file `path` that will become `target`."""
    return Delimited(path, target, schema, ",")
