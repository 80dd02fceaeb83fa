"""What the text formats share: a stream that may be compressed, and cells that hold nested values.

This module does not know where the stream ends up.
"""

from __future__ import annotations

import io
from pathlib import Path
from typing import IO

import polars as pl

from pipeline.core.dtypes import flat
from pipeline.system.files import adapter_name, compressor


class TextFile:
    """Bytes into a file, compressed where the target's name asks for it; equal input gives equal bytes."""

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


class Delimited:
    """A header line, then a line a row; UTF-8, LF."""

    def __init__(self, separator: str, path: Path, target: Path, schema: pl.Schema) -> None:
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
