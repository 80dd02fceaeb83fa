"""Parquet: columns with their types, nested ones too; a UUID is text, and so is a column of JSON.

The whole file is read once before it is used, so a damaged page is found before anything is spent.
This module does not know what the columns mean.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from itertools import islice, pairwise
from pathlib import Path
from queue import Full, Queue
from threading import Thread
from typing import Any
from zoneinfo import ZoneInfo

import polars as pl
from polars.io.plugins import register_io_source

from pipeline.core.contracts import Reading
from pipeline.core.dtypes import first_line, polars_words, rebuilt
from pipeline.core.errors import InputError
from pipeline.system.files import readable_file
from pipeline.tables import _guess
from pipeline.tables._footer import Leaf, leaves

# polars decodes several row groups ahead; one is enough to be faster than any model, and keeps memory low
os.environ.setdefault("POLARS_ROW_GROUP_PREFETCH_SIZE", "1")
# a time zone that is not known would be a panic of polars; `_check_zone` says it in words
os.environ.setdefault("POLARS_IGNORE_TIMEZONE_PARSE_ERROR", "1")

SPREADSHEET = False
READS: tuple[str, ...] = ()
guesses = _guess.none
ROWS = 512


def scan(path: Path, how: Reading | None = None) -> pl.LazyFrame:
    """The file's columns; `InputError` for a file that is damaged, or has a type that is not read."""
    del how  # there is nothing to follow
    readable_file(path)
    found = leaves(path)
    for leaf in found:
        if leaf.kind not in ("", *_TEXTS):
            hint = f"write it as text (in SQL: CAST({leaf.column} AS VARCHAR)), or leave the column out"
            what = f"the column '{leaf.column}' is {leaf.kind}, which is not read"
            raise InputError(what, where=str(path), hint=hint)

    def damaged(_: str) -> InputError:
        hint = "write it again with the program that made it, or as .csv or .jsonl"
        return InputError("the file is damaged, or is not Parquet", where=str(path), hint=hint)

    with polars_words(damaged):
        try:
            frame = pl.scan_parquet(path, glob=False, hive_partitioning=False)
            schema = frame.collect_schema()
            for name, dtype in schema.items():
                _check_zone(path, name, dtype)
            frame = frame.with_columns(_texts(schema, found))
            rows = 0
            for batch in frame.collect_batches(chunk_size=ROWS, maintain_order=True):
                for column in batch.get_columns():
                    _check_days(path, column, rows)
                rows += batch.height
        except OSError as error:
            raise damaged(first_line(error)) from error
    return frame


def _check_zone(path: Path, name: str, dtype: pl.DataType) -> None:
    if not isinstance(dtype, pl.Datetime) or not dtype.time_zone:
        return
    try:
        ZoneInfo(dtype.time_zone)
    except (KeyError, ValueError, OSError):
        what = f"the column '{name}' has the time zone '{dtype.time_zone}', which is not known here"
        raise InputError(what, where=str(path), hint="write its times in UTC") from None


def _check_days(path: Path, column: pl.Series, before: int) -> None:
    """Refuse a date that Python does not know: polars would panic."""
    if not isinstance(column.dtype, pl.Date | pl.Datetime):
        return
    unit = column.dtype.time_unit if isinstance(column.dtype, pl.Datetime) else ""
    wrong = ~(column.to_physical() // _A_DAY[unit]).is_between(*_DAYS)
    if wrong.any():
        row = before + (wrong.arg_max() or 0) + 1
        what = f"the date in the column '{column.name}' is not in the years 1 to 9999"
        raise InputError(what, where=f"{path}, row {row}")


_A_DAY = {"": 1, "ms": 86_400_000, "us": 86_400_000_000, "ns": 86_400_000_000_000}
_DAYS = (-719_161, 2_932_895)
"""the days of the years 1 to 9999, without the first and the last: a time zone may move them"""


def _texts(schema: pl.Schema, found: list[Leaf]) -> Iterator[pl.Expr]:
    """The columns that hold UUIDs or JSON, as text."""
    kinds = iter([leaf.kind for leaf in found])

    def change(column: pl.Expr, dtype: pl.DataType) -> pl.Expr:
        kind = next(islice(kinds, _leaves_of(dtype) - 1, None), "")
        return _TEXTS[kind](column) if kind in _TEXTS and dtype == pl.Binary else column

    special = {leaf.column for leaf in found if leaf.kind}
    for name, dtype in schema.items() if special else ():
        column = rebuilt(pl.col(name), dtype, change)  # also where it is dropped: it counts the leaves
        if name in special:
            yield column.alias(name)


def _leaves_of(dtype: Any) -> int:
    return _leaves_of(dtype.key) + _leaves_of(dtype.value) if isinstance(dtype, pl.Map) else 1


def _uuid(column: pl.Expr) -> pl.Expr:
    digits, ends = column.bin.encode("hex"), (0, 8, 12, 16, 20, 32)
    parts = [digits.str.slice(start, end - start) for start, end in pairwise(ends)]
    return pl.concat_str(parts, separator="-")


_TEXTS: dict[str, Callable[[pl.Expr], pl.Expr]] = {
    "UUID": _uuid,
    "JSON": lambda column: column.cast(pl.String),
}


def place(path: Path, row: int, how: Reading | None = None) -> str:
    """Where the record number `row` (1-based) stands."""
    del path, how  # the number says it
    return f"row {row}"


ROW_GROUP = 4096
AHEAD = 2


class Parquet:
    """A writing thread and the queue that feeds it."""

    def __init__(self, path: Path, target: Path, schema: pl.Schema) -> None:
        self._frames: Queue[pl.DataFrame | None] = Queue(AHEAD)
        self._error: BaseException | None = None
        lazy = register_io_source(self._given, schema=schema)
        self._thread = Thread(target=self._sink, args=(lazy, path), name="parquet", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Write what is left and the footer."""
        self.write(None)
        self._thread.join()
        self._raise()

    def write(self, frame: pl.DataFrame | None) -> None:
        """Append the frame's rows, None for the end; raises what stopped the writing thread."""
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


create = Parquet
