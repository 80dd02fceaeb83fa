"""Tables of texts (.csv, .tsv): the cells of chosen columns, or of those that hold words.

The first line names the columns. A .tsv has tabs; else the separator is the one that
this line has most of. Quotes stay where they are.
This module does not know what a column is for.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import partial
from typing import NamedTuple

from pipeline.core.document import Document, Policy, Segment, any_file
from pipeline.core.errors import InputError
from pipeline.core.suggest import nearest
from pipeline.documents._texts import Decoded, Spot, Texts, decoded, no_words, tags

SUFFIXES = (".csv", ".tsv")
recognises = any_file
_SEPARATORS = ",;\t|"
_QUOTED = re.compile(r'"([^"]*(?:""[^"]*)*)"')
_HEADER = re.compile(r'(?:"[^"]*"|[^"\r\n]+)*')
_END = re.compile(r"\r\n|\r|\n|\Z")


class _Cell(NamedTuple):
    row: int
    column: int
    start: int
    end: int
    text: str
    quoted: bool


def read(name: str, content: bytes, policy: Policy) -> Document:
    """The cells of the columns that are translated."""
    source = decoded(name, content)
    separator = "\t" if name.lower().endswith(".tsv") else _separator(source.text)
    cells = list(_cells(name, source, separator))
    names = [cell.text.strip() for cell in cells if cell.row == 1]
    reasons = [no_words(cell.text) for cell in cells]
    wanted = _wanted(name, names, policy.columns) if policy.columns else _wordy(cells, reasons)
    spots = []
    for cell, reason in zip(cells, reasons, strict=True):
        if cell.row == 1:
            reason = "header"
        elif cell.column not in wanted:
            reason = "other columns"
        column = names[cell.column] if cell.column < len(names) else str(cell.column + 1)
        segment = Segment(cell.text, "cell", f"row {cell.row} > {column}", markup=tags(cell.text))
        crlf = "\r\n" in source.text[cell.start : cell.end]
        written = partial(_written, separator, cell.quoted, crlf)
        spots.append(Spot(cell.start, cell.end, segment, written, reason))
    return Texts(content, source, spots, rest="separators")


def _separator(text: str) -> str:
    first = _HEADER.match(text)
    line = _QUOTED.sub("", first[0] if first else "")
    return max(_SEPARATORS, key=line.count)


def _cells(name: str, source: Decoded, separator: str) -> Iterator[_Cell]:
    text = source.text
    plain = re.compile(rf"[^{re.escape(separator)}\r\n]*")
    at, row, column = 0, 1, 0
    while at < len(text):
        found = _QUOTED.match(text, at)
        if found is None and text[at] == '"':
            raise _wrong(name, source, at, "a quote is not closed")
        quoted = found is not None
        found = found or plain.match(text, at)
        end = found.end() if found else at
        clean = text[at + 1 : end - 1].replace('""', '"') if quoted else text[at:end]
        yield _Cell(row, column, at, end, clean.replace("\r\n", "\n"), quoted)
        at, column = end, column + 1
        if text[at : at + 1] == separator:
            at += 1
            continue
        ends = _END.match(text, at)
        if ends is None:
            raise _wrong(name, source, at, "text follows a cell in quotes")
        at, row, column = ends.end(), row + 1, 0


def _wrong(name: str, source: Decoded, at: int, what: str) -> InputError:
    hint = 'write "" for a quote in a cell'
    return InputError(what, where=f"{name}, line {source.line(at)}", hint=hint)


def _wanted(name: str, names: list[str], columns: tuple[str, ...]) -> set[int]:
    """The places of the columns that were chosen."""
    found = set()
    for column in columns:
        if column not in names:
            hint = nearest(column, names) or f"it has: {', '.join(names)}"
            raise InputError(f"there is no column '{column}'", where=name, hint=hint)
        found.add(names.index(column))
    return found


def _wordy(cells: list[_Cell], reasons: list[str]) -> set[int]:
    """The columns in which at least half of the cells that are not empty hold words."""
    words: dict[int, int] = {}
    filled: dict[int, int] = {}
    for cell, reason in zip(cells, reasons, strict=True):
        if cell.row > 1 and reason != "empty":
            filled[cell.column] = filled.get(cell.column, 0) + 1
            words[cell.column] = words.get(cell.column, 0) + (not reason)
    return {column for column, count in filled.items() if words[column] * 2 >= count}


def _written(separator: str, quoted: bool, crlf: bool, text: str) -> str:
    text = text.replace("\r\n", "\n").replace("\n", "\r\n") if crlf else text
    needed = text != text.strip() or any(sign in text for sign in (separator, '"', "\n", "\r"))
    return '"' + text.replace('"', '""') + '"' if quoted or needed else text
