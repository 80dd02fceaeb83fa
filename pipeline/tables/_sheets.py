"""A sheet of a workbook -> a frame, for the formats of spreadsheet programs (needs the extra `excel`).

A column keeps its type: numbers (whole ones as integers), booleans, days, times, text. A column of several
types is text. An empty cell is null, a text that says N/A or None is not. Columns without a name and without
a cell are left out. The sheet is read whole, as the formats ask for.
This module does not know what the columns mean.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, time
from pathlib import Path
from typing import Any

import polars as pl

from pipeline.core.contracts import AS_IT_IS, Reading
from pipeline.core.dtypes import polars_words
from pipeline.core.errors import InputError, JobError
from pipeline.core.suggest import nearest
from pipeline.system.files import readable_file
from pipeline.system.packages import install_command
from pipeline.tables._workbook import ANEW, refuse_bombs, refuse_unread

READS = ("sheet", "header")
DAY_0, DAY_0_OF_1904 = date(1899, 12, 31), date(1904, 1, 1)
TOP = 20  # rows among which a header is looked for
PACKAGES = "'fastexcel>=0.20,<1' 'xlsxwriter>=3.2,<4'"  # what the extra `excel` brings


def scan(path: Path, how: Reading = AS_IT_IS) -> pl.LazyFrame:
    """The sheet's columns; `InputError` for a damaged workbook, a bad header, a cell without a value."""
    readable_file(path)
    package = _fastexcel()
    refuse_bombs(path)
    with _readable(path, package):
        book = package.read_excel(path)
        sheet = _sheet(path, book, how.sheet)
        first = _first_row(path, book, sheet, how)
        refuse_unread(path, book.sheet_names[sheet], sheet, first)
        options: dict[str, Any] = {"header_row": None, "skip_rows": first + 1}
        frame: pl.DataFrame = book.load_sheet(sheet, schema_sample_rows=None, **options).to_polars()
        kept = _header(path, book, sheet, first, frame)
        unread = [i for i in kept if frame[:, i].dtype != pl.String and _missing(frame[:, i]).any()]
        options["use_columns"] = [frame.columns[i] for i in unread]
        texts = book.load_sheet(sheet, dtypes="string", **options).to_polars() if unread else frame
    columns = []
    for i, name in kept.items():
        column = frame[:, i]
        if i in unread:  # words such as N/A are taken for empty beside numbers
            text = texts[:, unread.index(i)]
            column = text if (_missing(column) & (text != "")).any() else column
        columns.append(_clock(_whole(column)).alias(name))
    return pl.DataFrame(columns).lazy()


def place(path: Path, row: int, how: Reading = AS_IT_IS) -> str:
    """Where the record number `row` (1-based) stands: the sheet's own row number."""
    package = _fastexcel()
    with _readable(path, package):
        book = package.read_excel(path)
        sheet = _sheet(path, book, how.sheet)
        number = _first_row(path, book, sheet, how) + 1 + row
    return f"row {number}" if how.sheet == 1 else f"sheet '{book.sheet_names[sheet]}', row {number}"


def guesses(path: Path) -> Iterator[Reading]:
    """The header is the first row of several cells, where rows of one cell, a title, stand above it."""
    package = _fastexcel()
    refuse_bombs(path)
    with _readable(path, package):
        options: dict[str, Any] = {"header_row": None, "skip_rows": 0, "n_rows": TOP, "dtypes": "string"}
        top = package.read_excel(path).load_sheet(0, **options).to_polars()
    filled = [sum(1 for cell in row if cell and cell.strip()) for row in top.rows()]
    header = next((i for i, cells in enumerate(filled) if cells > 1), 0)
    if any(filled[:header]):
        yield Reading(header=header + 1)


def _sheet(path: Path, book: Any, wanted: str | int) -> int:
    names: list[str] = book.sheet_names
    if isinstance(wanted, str) and wanted in names:
        return names.index(wanted)
    if isinstance(wanted, int) and 1 <= wanted <= len(names):
        return wanted - 1
    named = isinstance(wanted, str)
    hint = (nearest(str(wanted), names) if named else "") or f"sheets: {', '.join(names)}"
    what = f"there is no sheet '{wanted}'" if named else f"there is no sheet number {wanted}"
    raise InputError(what, where=str(path), hint=f"{hint} (records.sheet)")


def _first_row(path: Path, book: Any, sheet: int, how: Reading) -> int:
    """The index of the row that names the columns: the first one that is not empty, if nothing is said."""
    full, there = (
        book.load_sheet(sheet, header_row=None, skip_rows=skip, n_rows=1).total_height for skip in (0, None)
    )
    if not there:
        raise InputError("the sheet is empty, without even a header", where=str(path))
    if how.header > full:
        raise InputError(f"the sheet has {full:,} rows, and records.header is {how.header}", where=str(path))
    return how.header - 1 if how.header else int(full - there)


def _header(path: Path, book: Any, sheet: int, first: int, frame: pl.DataFrame) -> dict[int, str]:
    where = f"{path}, row {first + 1}"
    top = book.load_sheet(sheet, header_row=None, skip_rows=first, n_rows=1, dtypes="string")
    row = top.to_polars().row(0)
    if not any(name and name.strip() for name in row):
        raise InputError("this row is empty, so nothing names the columns", where=where)
    names: dict[int, str] = {}
    for i, name in enumerate(row):
        if name is None or not name.strip():
            if i >= frame.width or frame[:, i].null_count() == frame.height > 0:
                continue
            hint = "this row names the columns; records.header says which row does"
            raise InputError(f"column {i + 1} has no name", where=where, hint=hint)
        if name in names.values():
            raise InputError(f"two columns are named '{name}'", where=where, hint="rename one of the two")
        names[i] = name
    return names


def _missing(column: pl.Series) -> pl.Series:
    """Where the column has no value; a workbook has no NaN, so it is a word that was taken for a number."""
    return column.is_null() | column.is_nan().fill_null(True) if column.dtype.is_float() else column.is_null()


def _whole(column: pl.Series) -> pl.Series:
    """Excel has one kind of number; a column without fractions is meant as Int64 (7, not 7.0)."""
    if column.dtype != pl.Float64 or not column.is_between(-(2**53), 2**53).all():
        return column
    whole = column.cast(pl.Int64)
    return whole if (whole == column).all() else column


def _clock(column: pl.Series) -> pl.Series:
    """Excel has one kind of date: a column of times of day has the day 0, and one of days has no times."""
    if not isinstance(column.dtype, pl.Datetime) or column.null_count() == len(column):
        return column
    days, midnight = column.dt.date(), (column.dt.time() == time(0)).all()
    if (days <= DAY_0).all() or ((days == DAY_0_OF_1904).all() and not midnight):
        return column.dt.time()
    return days if midnight else column


@contextmanager
def _readable(path: Path, package: Any) -> Iterator[None]:
    def damaged(_: str) -> InputError:
        return InputError("the workbook cannot be read, or is damaged", where=str(path), hint=ANEW)

    with polars_words(damaged):
        try:
            yield
        except package.UnsupportedColumnTypeCombinationError as error:
            what = "a column has durations beside dates or times of day"
            raise InputError(what, where=str(path), hint="give all its cells one format") from error
        except package.FastExcelError as error:
            raise damaged("") from error


def _fastexcel() -> Any:
    try:
        import fastexcel
    except ImportError:
        raise JobError("workbooks need two more packages", hint=install_command(PACKAGES)) from None
    # it tells on stderr that a column is empty
    logging.getLogger("fastexcel").setLevel(logging.ERROR)
    return fastexcel
