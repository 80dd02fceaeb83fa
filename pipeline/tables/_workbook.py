"""Refuses workbooks that would fill the memory, before they are unpacked.

A sheet is read as a dense rectangle, so one cell in the last corner is as large as all cells before it; and a
file of a megabyte can unpack to a gigabyte. This module does not know what is in the cells.
"""

from __future__ import annotations

import lzma
import re
import zipfile
from pathlib import Path

from pipeline.core.dtypes import first_line
from pipeline.core.errors import InputError
from pipeline.system.files import reading

MAX_BYTES = 2 * 1024**3
"""the most bytes of all parts, unpacked"""
PLAUSIBLE, MOST_TIMES = 256 * 1024**2, 100
"""a workbook of more bytes unpacked may be at most so many times its packed size"""
MOST_CELLS = 50_000_000
BLOCK, OVERLAP = 1 << 20, 256
_CELL = re.compile(rb'<(?:\w+:)?c\b[^>]{0,200}?\br="([A-Z]{1,3})([0-9]{1,7})"')


def refuse_bombs(path: Path) -> None:
    """Raise an `InputError` for a file that is no workbook, or is too large for the memory."""
    with reading(path, compression="") as packed:
        try:
            with zipfile.ZipFile(packed) as archive:
                _refuse_large(path, archive)
        except (zipfile.BadZipFile, lzma.LZMAError, RuntimeError) as error:
            what = "this is not an .xlsx workbook, or it is damaged or encrypted"
            raise InputError(what, where=str(path), hint=first_line(error)) from error


def _refuse_large(path: Path, archive: zipfile.ZipFile) -> None:
    size, packed = sum(entry.file_size for entry in archive.infolist()), path.stat().st_size
    if size > MAX_BYTES or (size > PLAUSIBLE and size > MOST_TIMES * packed):
        what = f"unpacked, the workbook of {packed:,} bytes has {size:,}"
        raise InputError(what, where=str(path), hint="save it as CSV")
    for entry in archive.infolist():
        if re.match(r"xl/worksheets/[^/]+\.xml$", entry.filename):
            _refuse_sparse(path, archive, entry)


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
    if not columns:
        return
    places = [_number(column) for column in columns]
    height, width = rows[1] - rows[0] + 1, max(places) - min(places) + 1
    if height * width > MOST_CELLS:
        what = f"the cells of {entry.filename} span {height:,} rows and {width:,} columns"
        raise InputError(what, where=str(path), hint="remove cells far from the others, or save it as CSV")


def _number(column: bytes) -> int:
    """A -> 1, Z -> 26, AA -> 27."""
    number = 0
    for letter in column:
        number = number * 26 + letter - 64
    return number
