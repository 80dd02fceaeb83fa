"""Parquet, compressed with zstd, row groups of 4,096 rows; lists and objects are native.

polars writes from a thread of its own and is fed as fast as it writes, so memory does not grow with the rows.
This module does not know where the rows come from.
"""

from __future__ import annotations

from queue import Full, Queue
from threading import Thread
from typing import TYPE_CHECKING

import polars as pl
from polars.io.plugins import register_io_source

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

ROWS = 4096
AHEAD = 2


class Parquet:
    """A writing thread and the queue that feeds it."""

    def __init__(self, path: Path, schema: pl.Schema) -> None:
        self._frames: Queue[pl.DataFrame | None] = Queue(AHEAD)
        self._error: BaseException | None = None
        lazy = register_io_source(self._given, schema=schema)
        self._thread = Thread(target=self._sink, args=(lazy, path), name="parquet", daemon=True)
        self._thread.start()

    def write(self, frame: pl.DataFrame) -> None:
        """Append the frame's rows; raises what stopped the writing thread."""
        self._put(frame)

    def close(self) -> None:
        """Write what is left and the footer."""
        self._put(None)
        self._thread.join()
        self._raise()

    def _put(self, frame: pl.DataFrame | None) -> None:
        while self._thread.is_alive():
            try:
                self._frames.put(frame, timeout=0.5)
            except Full:
                continue
            return
        self._raise()

    def _raise(self) -> None:
        if self._error is not None:
            raise self._error

    def _given(
        self, _columns: list[str] | None, _predicate: object, _limit: int | None, _size: int | None
    ) -> Iterator[pl.DataFrame]:
        while (frame := self._frames.get()) is not None:
            yield frame

    def _sink(self, lazy: pl.LazyFrame, path: Path) -> None:
        try:
            lazy.sink_parquet(path, compression="zstd", row_group_size=ROWS, maintain_order=True)
        except BaseException as error:
            self._error = error


def create(path: Path, target: Path, schema: pl.Schema) -> Parquet:
    """Begin the file `path` that will become `target`."""
    return Parquet(path, schema)
