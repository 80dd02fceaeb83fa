"""One JSON object a line, UTF-8; lists and objects stay what they are (also .jsonl.gz, .jsonl.zst).

NaN and the infinities, which JSON has not, are null; times are ISO 8601, decimals are text.
This module does not know where the rows come from.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline.dtypes import json_text
from pipeline.sinks._text import TextFile, refuse_bytes

if TYPE_CHECKING:
    from pathlib import Path

    import polars as pl


class Lines:
    """An object a row, its fields in the schema's order."""

    def __init__(self, path: Path, target: Path, schema: pl.Schema) -> None:
        refuse_bytes(schema, target)
        self._file = TextFile(path, target)

    def write(self, frame: pl.DataFrame) -> None:
        """Append the frame's rows."""
        lines = (json_text(row) + "\n" for row in frame.iter_rows(named=True))
        self._file.write("".join(lines).encode())

    def close(self) -> None:
        """End the file."""
        self._file.close()


def create(path: Path, target: Path, schema: pl.Schema) -> Lines:
    """Begin the file `path` that will become `target`."""
    return Lines(path, target, schema)
