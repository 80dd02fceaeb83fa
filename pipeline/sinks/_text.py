"""What the text formats share: a stream that may be compressed, and cells that hold nested values.

This module does not know where the stream ends up.
"""

from __future__ import annotations

from typing import IO, TYPE_CHECKING

import polars as pl

from pipeline.dtypes import json_text
from pipeline.errors import JobError
from pipeline.files import adapter_name, compressor

if TYPE_CHECKING:
    from pathlib import Path


class TextFile:
    """Bytes into a file, compressed where the target's name asks for it; the same input, the same bytes."""

    def __init__(self, path: Path, target: Path) -> None:
        self._raw = path.open("wb", buffering=256 * 1024)
        compression = adapter_name(target)[1]
        self._stream: IO[bytes] = compressor(self._raw, compression) if compression else self._raw

    def write(self, data: bytes) -> None:
        """Append."""
        self._stream.write(data)

    def close(self) -> None:
        """End the compression and the file."""
        try:
            self._stream.close()
        finally:
            self._raw.close()


def refuse_bytes(schema: pl.Schema, target: Path) -> None:
    """Raise a `JobError` where a column holds bytes, which no text format can hold."""
    for name, dtype in schema.items():
        if _holds_bytes(dtype):
            raise JobError(
                f"the column '{name}' holds bytes, which {target.name} cannot hold",
                where="output.to",
                hint="write a .parquet file",
            )


def _holds_bytes(dtype: pl.DataType) -> bool:
    if isinstance(dtype, pl.Struct):
        return any(_holds_bytes(field.dtype) for field in dtype.fields)  # type: ignore[arg-type]
    if isinstance(dtype, pl.List | pl.Array):
        return _holds_bytes(dtype.inner)  # type: ignore[arg-type]
    return dtype == pl.Binary


def flat(frame: pl.DataFrame) -> pl.DataFrame:
    """Lists and objects as JSON text, spans of time in ISO 8601 ("PT1M30S"), all else as it is."""
    return frame.with_columns(
        _flat(column)
        for column in frame.get_columns()
        if column.dtype.is_nested() or isinstance(column.dtype, pl.Duration)
    )


def _flat(column: pl.Series) -> pl.Series:
    if isinstance(column.dtype, pl.Duration):
        return column.dt.to_string("iso")
    texts = [None if value is None else json_text(value) for value in column.to_list()]
    return pl.Series(column.name, texts, pl.String)
