"""What csv and tsv share. Cells are written as they are: null is an empty cell, '' is "".

A cell is quoted where it must be. Text that a spreadsheet would take for a formula is not changed.
This module does not know where the rows come from.
"""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

import polars as pl

from pipeline.sinks._text import TextFile, flat, refuse_bytes

if TYPE_CHECKING:
    from pathlib import Path


class Delimited:
    """A header line, then a line a row; UTF-8, LF."""

    def __init__(self, path: Path, target: Path, schema: pl.Schema, separator: str) -> None:
        refuse_bytes(schema, target)
        self._separator = separator
        self._file = TextFile(path, target)
        self._write(schema.to_frame(), header=True)

    def write(self, frame: pl.DataFrame) -> None:
        """Append the frame's rows."""
        self._write(frame, header=False)

    def _write(self, frame: pl.DataFrame, *, header: bool) -> None:
        buffer = io.BytesIO()
        flat(frame).write_csv(buffer, include_header=header, separator=self._separator)
        self._file.write(buffer.getvalue())

    def close(self) -> None:
        """End the file."""
        self._file.close()
