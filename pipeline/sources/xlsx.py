"""The first sheet of an Excel workbook, its first row naming the columns (needs the extra `excel`).

A column keeps its type: numbers (whole ones as integers), booleans, dates, text. A column of several types
is text. An empty cell is null. The sheet is read whole, as the format asks for.
This module does not know what the columns mean.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

import polars as pl

from pipeline.errors import InputError, JobError
from pipeline.files import readable_file
from pipeline.sources._workbook import first_line, refuse_bombs

if TYPE_CHECKING:
    from pathlib import Path


def scan(path: Path) -> pl.LazyFrame:
    """The sheet's columns; `InputError` for a damaged or encrypted workbook, or a bad header."""
    readable_file(path)
    package = _fastexcel()
    refuse_bombs(path)
    try:
        book = package.read_excel(path)
        names = _header(path, book)
        sheet = book.load_sheet(0, header_row=0, schema_sample_rows=None, column_names=None)
        frame: pl.DataFrame = sheet.to_polars()
    except package.FastExcelError as error:
        raise InputError("the workbook cannot be read", where=str(path), hint=first_line(error)) from error
    frame.columns = names
    return frame.with_columns(_whole(column) for column in frame.get_columns()).lazy()


def place(path: Path, row: int) -> str:
    """Where the record number `row` (1-based) stands: the sheet's own row number."""
    return f"row {row + 1}"


def _whole(column: pl.Series) -> pl.Series:
    """Excel has one kind of number; a column without fractions is meant as Int64 (7, not 7.0)."""
    if column.dtype != pl.Float64 or not column.is_between(-(2**53), 2**53).all():
        return column
    whole = column.cast(pl.Int64)
    return whole if (whole == column).all() else column


def _header(path: Path, book: Any) -> list[str]:
    where = f"{path}, row 1"
    first = book.load_sheet(0, header_row=None, n_rows=1, dtypes="string").to_polars()
    if not first.height:
        raise InputError("the first sheet is empty, without even a header", where=str(path))
    names: list[str] = []
    for number, name in enumerate(first.row(0), 1):
        if name is None or not name.strip():
            raise InputError(
                f"column {number} has no name", where=where, hint="the first row names the columns"
            )
        if name in names:
            raise InputError(f"two columns are named '{name}'", where=where, hint="rename one of the two")
        names.append(name)
    return names


def _fastexcel() -> Any:
    try:
        import fastexcel
    except ImportError:
        raise JobError(
            "Excel workbooks need the extra 'excel'", hint="pip install 'pipeline[excel]'"
        ) from None
    # it tells on stderr that a column is empty
    logging.getLogger("fastexcel").setLevel(logging.ERROR)
    return fastexcel
