"""A sheet of an Excel workbook, with the types of its cells (needs the extra `excel`).

`_sheets.py` reads it; here it is written, row by row. This module does not know what the columns mean.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, time
from math import isfinite
from pathlib import Path
from typing import Any

import polars as pl

from pipeline.core.dtypes import flat
from pipeline.core.errors import DiskError, JobError
from pipeline.system.packages import install_command
from pipeline.tables import _sheets

SPREADSHEET = True
READS = _sheets.READS
scan = _sheets.scan
place = _sheets.place
guesses = _sheets.guesses


MAX_CHARACTERS = 32_767
MAX_ROWS = 1_048_576
MAX_COLUMNS = 16_384
EXACT = 10**15
FIRST_DAY = date(1900, 3, 1)
CREATED = datetime(2000, 1, 1, tzinfo=UTC).replace(tzinfo=None)
OPTIONS = {"constant_memory": True, "strings_to_formulas": False, "strings_to_urls": False}


class Workbook:
    """One sheet, written row by row into temporary files and zipped at the end."""

    def __init__(self, path: Path, target: Path, schema: pl.Schema) -> None:
        package = _xlsxwriter()
        if len(schema) > MAX_COLUMNS:
            raise JobError(f"{len(schema)} columns; a sheet holds {MAX_COLUMNS}", where=str(target))
        self._target = target
        self._names = list(schema)
        self._book = package.Workbook(str(path), OPTIONS)
        self._book.set_properties({"created": CREATED})
        self._sheet = self._book.add_worksheet()
        self._formats = {
            datetime: self._book.add_format({"num_format": "yyyy-mm-dd hh:mm:ss"}),
            date: self._book.add_format({"num_format": "yyyy-mm-dd"}),
            time: self._book.add_format({"num_format": "hh:mm:ss"}),
        }
        self._row = 0
        self._write_row(tuple(self._names))

    def write(self, frame: pl.DataFrame) -> None:
        """Append the frame's rows; a `JobError` names the cell that Excel cannot hold."""
        for row in flat(frame).iter_rows():
            self._write_row(row)

    def close(self) -> None:
        """Zip the sheet into the workbook."""
        try:
            self._book.close()
        except _xlsxwriter().exceptions.FileCreateError as error:
            cause = error.args[0] if error.args else error
            raise cause if isinstance(cause, OSError) else DiskError(str(error)) from error

    def _write_row(self, row: tuple[Any, ...]) -> None:
        if self._row == MAX_ROWS:
            what = f"more than {MAX_ROWS - 1:,} rows; a sheet holds no more"
            raise JobError(what, where=str(self._target), hint=_HINT)
        for column, value in enumerate(row):
            if value is not None:
                self._write_cell(column, value)
        self._row += 1

    def _write_cell(self, column: int, value: Any) -> None:
        kind = type(value)
        if kind is bool:
            self._sheet.write_boolean(self._row, column, value)
        elif (kind is int and abs(value) < EXACT) or (kind is float and isfinite(value)):
            self._sheet.write_number(self._row, column, value)
        elif kind in self._formats and _in_excel(value):
            self._sheet.write_datetime(self._row, column, value, self._formats[kind])
        else:
            self._write_text(column, _text(value))

    def _write_text(self, column: int, text: str) -> None:
        if len(text) > MAX_CHARACTERS and _units(text) > MAX_CHARACTERS:
            cell = f"row {self._row}, column '{self._names[column]}'"
            what = f"{cell} has {_units(text):,} characters; an Excel cell holds {MAX_CHARACTERS:,}"
            raise JobError(what, where=str(self._target), hint=_HINT)
        self._sheet.write_string(self._row, column, text)


_HINT = "write .csv, .jsonl or .parquet instead, or as well"


create = Workbook


def _units(text: str) -> int:
    """Characters as Excel counts them: UTF-16 code units."""
    return len(text.encode("utf-16-le")) // 2


def _in_excel(value: datetime | date | time) -> bool:
    """Excel's days begin in 1900, with a leap day that never was, and know no time zone."""
    if isinstance(value, time):
        return True
    day = value.date() if isinstance(value, datetime) else value
    return day >= FIRST_DAY and getattr(value, "tzinfo", None) is None


def _text(value: Any) -> str:
    if isinstance(value, str):
        return value
    return value.isoformat() if isinstance(value, date) else str(value)


def _xlsxwriter() -> Any:
    try:
        import xlsxwriter
    except ImportError:
        raise JobError("workbooks need two more packages", hint=install_command(_sheets.PACKAGES)) from None
    return xlsxwriter
