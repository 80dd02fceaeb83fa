"""Refuses workbooks that would fill the memory, and cells that have no value although they are not empty.

A sheet is read as a dense rectangle, so one cell in the last corner is as large as all cells before it; and a
file of a megabyte can unpack to a gigabyte. An error such as #REF!, and a formula that no program has
computed yet, would be read as an empty cell. This module does not know what the other cells hold.
"""

from __future__ import annotations

import lzma
import re
import zipfile
from collections.abc import Iterator
from itertools import zip_longest
from pathlib import Path
from typing import NamedTuple

from pipeline.core.errors import InputError
from pipeline.system.files import reading

MAX_BYTES = 2 * 1024**3  # the most bytes of all parts, unpacked
PLAUSIBLE, MOST_TIMES = 256 * 1024**2, 100
"""a workbook of more bytes unpacked may be at most so many times its packed size"""
MOST_CELLS = 50_000_000
BLOCK, OVERLAP = 1 << 20, 256
_UNCOMPUTED = "holds a formula that was never computed"
_START = re.compile(rb'<(?:\w+:)?c\b([^>]{0,200}?\br="([A-Z]{1,3}([0-9]{1,7}))"[^>]{0,200})>')
_VALUE = re.compile(rb"<(?:\w+:)?v\b[^>]*>([^<]+)<")
_ZERO = re.compile(rb"<(?:\w+:)?v\b[^>]*>0<")
_FORMULA = re.compile(rb"<(?:\w+:)?f\b")
_ODS_CELLS = re.compile(rb"<table:(table-row|table|(?:covered-)?table-cell)(?=[\s/>])([^>]*?)(/?)>")
_ODS_VALUE = re.compile(rb'office:(?:\w+-)?value="|office:value-type="string"')
_ODS_CLOCK = rb"PT(?:[01]?[0-9]|2[0-3])H[0-5]?[0-9]M[0-5]?[0-9](?:[.][0-9]+)?S"
_ODS_LONG = re.compile(rb'office:time-value="(?!%s")' % _ODS_CLOCK)
"""a duration that would be read as an empty cell: a day or more, below zero, or without hours"""
_ODS_TEXT = re.compile(rb"\s*<text:p[^>]*>([^<]{1,20})")
_AT_OPENING = re.compile(rb'<(?:\w+:)?calcPr\b(?=[^>]*\bfullCalcOnLoad="(?:1|true)")[^>]*>')
_WRITES_ZEROS = re.compile(rb'\bcalcId="(?:124519|999999)"')
"""XlsxWriter and PhpSpreadsheet write 0 for a formula that is to be computed when the workbook is opened"""
_REPEATED = re.compile(rb'number-(?:rows|columns)-repeated="([0-9]{1,9})"')
_CELL = re.compile(rb'<(?:\w+:)?c\b[^>]{0,200}?\br="([A-Z]{1,3})([0-9]{1,7})"')


ANEW = "save it again as a workbook, without a password; a text is named .csv"


def refuse_bombs(path: Path) -> None:
    """Raise an `InputError` for a file that is no workbook, or is too large for the memory."""
    with reading(path, compression="") as packed:
        try:
            with zipfile.ZipFile(packed) as archive:
                _refuse_large(path, archive)
        except (zipfile.BadZipFile, lzma.LZMAError, RuntimeError) as error:
            what = f"this is not an {path.suffix.lower()} workbook, or it is damaged or encrypted"
            raise InputError(what, where=str(path), hint=ANEW) from error


def _refuse_large(path: Path, archive: zipfile.ZipFile) -> None:
    size, packed = sum(entry.file_size for entry in archive.infolist()), path.stat().st_size
    if size > MAX_BYTES or (size > PLAUSIBLE and size > MOST_TIMES * packed):
        what = f"unpacked, the workbook of {packed:,} bytes has {size:,}"
        raise InputError(what, where=str(path), hint="save it as CSV")
    for entry in archive.infolist():
        if re.match(r"xl/worksheets/[^/]+\.xml$", entry.filename):
            _refuse_sparse(path, archive, entry)
        if entry.filename == "content.xml":
            _refuse_repeated(path, archive, entry)


def _refuse_sparse(path: Path, archive: zipfile.ZipFile, entry: zipfile.ZipInfo) -> None:
    """Raise for a sheet whose cells span a rectangle that is too large for the memory."""
    columns, rows = set[bytes](), (0, 0)
    rest, done = b"", 0
    with archive.open(entry) as stream:
        while block := stream.read(BLOCK):
            done += len(block)
            found = _CELL.findall(rest + block)
            if found:
                columns |= {column for column, _ in found}
                numbers = (int(found[0][1]), int(found[-1][1]), *rows)
                rows = (min(filter(None, numbers)), max(numbers))
            rest = block[-OVERLAP:]
            if done > MAX_BYTES:
                break
    if columns:
        places = [_number(column) for column in columns]
        _refuse_span(path, entry.filename, rows[1] - rows[0] + 1, max(places) - min(places) + 1)


def _refuse_span(path: Path, name: str, height: int, width: int) -> None:
    if height * width > MOST_CELLS:
        what = f"the cells of {name} span {height:,} rows and {width:,} columns"
        raise InputError(what, where=str(path), hint="remove cells far from the others, or save it as CSV")


def _refuse_repeated(path: Path, archive: zipfile.ZipFile, entry: zipfile.ZipInfo) -> None:
    """The same for an .ods workbook, where one cell, or one row, may be written for many."""
    sheet = height = width = 0
    for cell in _cells_of_ods(archive, entry):
        if cell.sheet != sheet:
            sheet, height, width = cell.sheet, 0, 0
        if not cell.empty or b"value" in cell.attributes:
            height, width = max(height, cell.row + cell.rows), max(width, cell.column + cell.columns)
            _refuse_span(path, "the workbook", height, width)


class _OdsCell(NamedTuple):
    """A cell as it is written, perhaps for several rows and columns; all numbers from 0."""

    sheet: int
    row: int
    column: int
    rows: int
    columns: int
    attributes: bytes
    empty: bool
    inside: bytes


def _cells_of_ods(archive: zipfile.ZipFile, entry: zipfile.ZipInfo) -> Iterator[_OdsCell]:
    sheet, row, column, rows = -1, 0, 0, 0
    for text in _blocks(archive, entry, b"<"):
        for found in _ODS_CELLS.finditer(text):
            kind, attributes, empty = found.groups()
            repeated = _REPEATED.search(attributes)
            count = int(repeated.group(1)) if repeated else 1
            if kind == b"table":
                sheet, row, rows = sheet + 1, 0, 0
            elif kind == b"table-row":
                row, column, rows = row + rows, 0, count
            else:
                inside = text[found.end() : found.end() + OVERLAP]
                yield _OdsCell(sheet, row, column, rows, count, attributes, bool(empty), inside)
                column += count


def refuse_unread(path: Path, name: str, index: int, first: int) -> None:
    """Raise an `InputError` for an error, or a formula without a value, in the rows from `first` on."""
    with reading(path, compression="") as packed, zipfile.ZipFile(packed) as archive:
        if "content.xml" in archive.namelist():
            found = _unread_in_ods(archive, index, first)
        else:
            found = _unread_in_xlsx(archive, index, first)
        if found:
            place, what = found
            hint = "open the workbook in Excel or LibreOffice, mend it there if it is an error, and save it"
            what = f"sheet '{name}', cell {place} {what}, so it has no value"
            raise InputError(what, where=str(path), hint=hint)


def _unread_in_ods(archive: zipfile.ZipFile, index: int, first: int) -> tuple[str, str] | None:
    for cell in _cells_of_ods(archive, archive.getinfo("content.xml")):
        if cell.sheet != index or cell.row + cell.rows <= first:
            continue
        place = f"{_letters(cell.column)}{max(cell.row, first) + 1}"
        if b'value-type="error"' in cell.attributes:
            text = None if cell.empty else _ODS_TEXT.match(cell.inside)
            return place, f"holds the error {text[1].decode(errors='replace')}" if text else "holds an error"
        if b"table:formula=" in cell.attributes and not _ODS_VALUE.search(cell.attributes):
            return place, _UNCOMPUTED
        if _ODS_LONG.search(cell.attributes):
            return place, "holds a duration that is read from .xlsx alone"
    return None


def _unread_in_xlsx(archive: zipfile.ZipFile, index: int, first: int) -> tuple[str, str] | None:
    book = archive.read("xl/workbook.xml")
    part = _part_of(archive, book, index)
    at_opening = _AT_OPENING.search(book)
    computed = not at_opening  # else a 0 is taken for a value only where another formula has one
    zero: tuple[str, str] | None = None
    for text in _blocks(archive, part, b"<c") if part else ():
        if b't="e"' not in text and not _FORMULA.search(text):
            continue
        starts = list(_START.finditer(text))
        for start, following in zip_longest(starts, starts[1:]):
            if int(start.group(3)) <= first:
                continue
            inside = text[start.end() : following.start() if following else None]
            place = start.group(2).decode()
            if what := _missing(start.group(1), inside):
                return place, what
            if at_opening and _FORMULA.search(inside):
                is_zero = b' t="' not in start.group(1) and _ZERO.search(inside) is not None
                zero = zero or ((place, _UNCOMPUTED) if is_zero else None)
                computed = computed or not is_zero
    doubted = at_opening and (not computed or _WRITES_ZEROS.search(at_opening.group()))
    return zero if doubted else None


def _missing(attributes: bytes, inside: bytes) -> str:
    """What is wrong with a cell; '' where it has a value, or is empty."""
    value = found.group(1) if (found := _VALUE.search(inside)) else b""
    if b't="e"' in attributes:
        return f"holds the error {value.decode(errors='replace')[:20]}"
    return _UNCOMPUTED if _FORMULA.search(inside) and not value and b't="str"' not in attributes else ""


def _part_of(archive: zipfile.ZipFile, book: bytes, index: int) -> zipfile.ZipInfo | None:
    """The part of an .xlsx workbook that holds a sheet."""
    sheets = re.findall(rb'<(?:\w+:)?sheet\b[^>]*?\b\w+:id="([^"]+)"', book)
    links = archive.read("xl/_rels/workbook.xml.rels")
    for link in re.findall(rb"<(?:\w+:)?Relationship\b[^>]*>", links) if index < len(sheets) else ():
        target = re.search(rb'\bTarget="([^"]+)"', link)
        if target and b'Id="' + sheets[index] + b'"' in link:
            part = target.group(1).decode(errors="replace")
            part = part.removeprefix("/") if part.startswith("/") else f"xl/{part}"
            return archive.getinfo(part) if part in archive.namelist() else None
    return None


def _blocks(archive: zipfile.ZipFile, entry: zipfile.ZipInfo, start: bytes) -> Iterator[bytes]:
    """The text of a part in pieces; each but the first begins where something begins with `start`."""
    rest, done = b"", 0
    with archive.open(entry) as stream:
        while (block := stream.read(BLOCK)) and done <= MAX_BYTES:
            done += len(block)
            text = rest + block
            at = text.rfind(start)
            rest = text[at:] if at >= 0 and len(text) - at < 4 * BLOCK else b""
            yield text[: len(text) - len(rest)]
    yield rest


def _number(column: bytes) -> int:
    """A -> 1, Z -> 26, AA -> 27."""
    number = 0
    for letter in column:
        number = number * 26 + letter - 64
    return number


def _letters(column: int) -> str:
    """0 -> A, 25 -> Z, 26 -> AA."""
    letters = ""
    column += 1
    while column:
        column, letter = divmod(column - 1, 26)
        letters = chr(65 + letter) + letters
    return letters
