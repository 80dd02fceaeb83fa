"""The file of rows that a person is to look at: written for spreadsheets, and read again after they had it.

    key,lang,step,why,answer,accept,request
    B0012,de,post,the answer has 312 characters; at most 280 are allowed,"…",,✓5f0c…-91ab…-77d0…-c3e1…

A spreadsheet may change what nobody touched: it turns 007 into 7, cuts long cells off, or saves in a code
page without most letters. So a row is known by its `request` alone, whose first character shows whether all
letters are still there. This module does not know what a decision is, nor whether it is valid.
"""

from __future__ import annotations

import csv
import io
import os
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import IO

from pipeline.core.errors import InputError
from pipeline.output.aside import locked_file, remove_leftovers
from pipeline.output.spreadsheet import BEGINNINGS
from pipeline.system.files import sync_folder, writing

REVIEW = "review.csv"
"""the rows that wait for a person"""
DECISIONS = "decisions.csv"
"""what people decided, and what else they wrote"""
COLUMNS = ("step", "why", "answer", "accept", "request")
"""the columns behind the key and the values of each"""
_INTACT = "✓"
_FORMULA = re.compile(rf"'*[{re.escape(BEGINNINGS)}]")
_SEPARATORS = ",;\t|"
_WIDE = (b"\xff\xfe", b"\xfe\xff")
_LONGEST = 2**31 - 1
_ANEW = "or remove the file: the next run writes it anew"
_SAVE = "save it as CSV in UTF-8 (in Excel: 'CSV UTF-8')"


@dataclass(frozen=True, slots=True)
class Mark:
    """What a row is about, each part as a digest: its record, its place, what was asked, the best attempt."""

    key: str
    place: str
    asked: str
    best: str

    @classmethod
    def of(cls, key: str, step: str, place: str, asked: str, best: str) -> Mark:
        """The mark of a row."""
        return cls(short(key), place_digest(step, place), asked, text_digest(best))

    @classmethod
    def read(cls, cell: str) -> Mark | None:
        """The mark in a cell; None where there is none."""
        parts = cell.strip().removeprefix(_INTACT).split("-")
        return cls(*parts) if len(parts) == len(cls.__slots__) and all(parts) else None

    def __str__(self) -> str:
        return _INTACT + "-".join((self.key, self.place, self.asked, self.best))


def short(text: str) -> str:
    """A few digits for a text."""
    return sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:12]


def place_digest(step: str, place: str) -> str:
    """The digits for a row at a step."""
    return short(f"{step}\0{place}")


def text_digest(text: str) -> str:
    """The digits for an answer; blanks and line breaks do not count, because editors change them."""
    return short(" ".join(text.split()))


class Sheet:
    """A file that is written row by row beside its place, and moved there; nobody else may read it."""

    def __init__(self, path: Path, heads: Sequence[str]) -> None:
        self.path, self._names = path, [*heads, *COLUMNS]
        self._aside: Path | None = None
        self._file: IO[str] | None = None
        self.rows = 0

    def write(self, row: Mapping[str, str]) -> None:
        """Append a row."""
        with writing(self.path):
            if self._file is None:
                remove_leftovers(self.path)
                descriptor, self._aside = locked_file(self.path, 0o600)
                self._file = os.fdopen(descriptor, "w", encoding="utf-8-sig", errors="replace", newline="")
                csv.writer(self._file, lineterminator="\n").writerow(self._names)
            cells = (_guarded(row.get(name, "")) for name in self._names)
            csv.writer(self._file, lineterminator="\n").writerow(cells)
        self.rows += 1

    def publish(self) -> None:
        """Move it into its place; where there is no row, an earlier file is removed."""
        with writing(self.path):
            if self._file is None or self._aside is None:
                if self.path.exists() or self.path.is_symlink():  # a read-only disk refuses it in any case
                    self.path.unlink(missing_ok=True)
                return
            self._file.flush()
            os.fsync(self._file.fileno())
            self._aside.replace(self.path)
            sync_folder(self.path.parent)
        self._file.close()
        self._file = self._aside = None

    def abandon(self) -> None:
        """Remove what was written beside; does nothing after `publish`."""
        if self._file is not None and self._aside is not None:
            with suppress(OSError):
                self._aside.unlink(missing_ok=True)
                self._file.close()
        self._file = self._aside = None


def _guarded(cell: str) -> str:
    return f"'{cell}" if _FORMULA.match(cell) else cell


def _plain(cell: str) -> str:
    """A cell as it was meant: without the guard before a formula, with the line ends of a text."""
    cell = cell[1:] if cell.startswith("'") and _FORMULA.match(cell, 1) else cell
    return cell.replace("\r\n", "\n").replace("\r", "\n")


def read(path: Path) -> Iterator[tuple[str, dict[str, str], Mark]]:
    """The rows, each with its place in the file and its mark; `InputError` for a file not to be relied on."""
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        return
    except OSError as error:
        raise InputError(f"cannot be read: {error.strerror}", where=str(path)) from None
    try:
        text = content.decode("utf-16" if content.startswith(_WIDE) else "utf-8-sig")
    except UnicodeDecodeError:
        what = "the file is not UTF-8, so letters in it are lost; nothing of it is used"
        raise InputError(what, where=str(path), hint=f"{_SAVE}, {_ANEW}") from None
    if not text.strip():
        return
    csv.field_size_limit(_LONGEST)
    separator = _separator(path, text.splitlines()[0])
    table = csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True)
    line = 1
    try:
        names = [name.strip() for name in next(table)]
        line = table.line_num + 1
        for cells in table:
            row = {name: _plain(cell) for name, cell in zip(names, cells, strict=False)}
            where = f"{path}, line {line}"
            if any(cells):
                yield where, row, _mark(row.get("request", ""), where)
            line = table.line_num + 1
    except csv.Error:
        what = "a quote stands here that is not closed, or not written twice inside a cell"
        raise InputError(what, where=f"{path}, line {line}", hint=f"mend it, {_ANEW}") from None


def _separator(path: Path, header: str) -> str:
    for separator in _SEPARATORS:
        names = next(csv.reader([header], delimiter=separator), [])
        if {"answer", "accept", "request"} <= {name.strip() for name in names}:
            return separator
    hint = f"put the line with the names of the columns back, {_ANEW}"
    what = "the first line has no columns answer, accept and request"
    raise InputError(what, where=f"{path}, line 1", hint=hint)


def _mark(cell: str, where: str) -> Mark:
    if (mark := Mark.read(cell)) and cell.strip().startswith(_INTACT):
        return mark
    if Mark.read(re.sub(r"\A[^0-9a-f]+", "", cell)):
        what = "letters were lost when the file was saved; nothing of it is used"
        raise InputError(what, where=where, hint=f"{_SAVE}, {_ANEW}")
    what = "the row has no `request` as the file was written with, so nobody knows which row it is"
    raise InputError(what, where=where, hint=f"put that cell back, or remove the line, {_ANEW}")


def erase(folder: Path, keys: Iterable[str]) -> None:
    """Remove the rows of these records from both files."""
    gone = {short(key) for key in keys}
    for path in (folder / REVIEW, folder / DECISIONS):
        remove_leftovers(path)
        rows = [(row, mark.key) for _, row, mark in read(path)]
        kept = [row for row, key in rows if key not in gone]
        if len(kept) < len(rows):
            sheet = Sheet(path, [name for name in rows[0][0] if name not in COLUMNS])
            for row in kept:
                sheet.write(row)
            sheet.publish()
