"""Parquet: columns with their types, nested ones too.

The whole file is read once before it is used, so a damaged page is found before anything is spent.
This module does not know what the columns mean.
"""

from __future__ import annotations

import os
from queue import Full, Queue
from threading import Thread
from typing import TYPE_CHECKING

import polars as pl
from polars.io.plugins import register_io_source

from pipeline.core.errors import InputError
from pipeline.system.files import readable_file

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

# polars decodes several row groups ahead; one is enough to be faster than any model, and keeps memory low
os.environ.setdefault("POLARS_ROW_GROUP_PREFETCH_SIZE", "1")

SPREADSHEET = False
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
        raise InputError("the file is damaged, or is not Parquet", where=str(path), hint=reason) from error
    return frame


def place(path: Path, row: int) -> str:
    """Where the record number `row` (1-based) stands."""
    return f"row {row}"


ROW_GROUP = 4096
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
            lazy.sink_parquet(path, compression="zstd", row_group_size=ROW_GROUP, maintain_order=True)
        except BaseException as error:
            self._error = error


def create(path: Path, target: Path, schema: pl.Schema) -> Parquet:
    """Begin the file `path` that will become `target`."""
    return Parquet(path, schema)
