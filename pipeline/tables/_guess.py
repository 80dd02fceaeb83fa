"""Guesses how a text is to be read that is not as its suffix says: its encoding, and the separator.

An encoding other than Unicode's is a guess that only a person can confirm. Whether a guess reads the file is
found by reading it, which this module does not do.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

from pipeline.core.contracts import Reading
from pipeline.core.errors import InputError
from pipeline.system.files import BLOCK, reading
from pipeline.tables._lines import lines

_MARKS = ",;\t|"
_UNICODE = {codecs.BOM_UTF32_LE: "utf-32", codecs.BOM_UTF32_BE: "utf-32",
            codecs.BOM_UTF16_LE: "utf-16", codecs.BOM_UTF16_BE: "utf-16"}  # fmt: skip
"""the longer marks first, because one begins like another"""
_OTHER = "cp1252"
"""what a text that is not Unicode is taken for: the usual encoding of Windows"""
_HEAD = 1024
_OTHERS = {
    b"PK\x03\x04": "a workbook or another zip file",
    b"\xd0\xcf\x11\xe0": "a workbook of an old Excel (.xls)",
    b"PAR1\x15": "a Parquet file (.parquet)",
    b"ARROW1\0": "an Arrow file",
    b"%PDF-": "a PDF",
    b"SQLite format 3": "a database of SQLite",
    b"\x1f\x8b": "compressed (.gz)",
    b"\x28\xb5\x2f\xfd": "compressed (.zst)",
    b"<!doctype html": "a web page",
    b"<html": "a web page",
    b'{"': "JSON (.json is one array of objects, .jsonl has an object a line)",
    b'[{"': "JSON (.json is one array of objects, .jsonl has an object a line)",
}
"""how files begin that are no text of cells, without capitals where they are text"""


def refuse_others(path: Path, text: str) -> None:
    """Raise an `InputError` for a file that is plainly something else than a text of this kind."""
    with reading(path) as stream:
        head = stream.read(64).removeprefix(codecs.BOM_UTF8)
    plain = head.lower() if head[:1] == b"<" else head
    kind = next((kind for mark, kind in _OTHERS.items() if plain.startswith(mark)), "")
    if kind and not (text == "JSON" and kind.startswith(text)):
        hint = "name the file by what it is, or save it again as what its name says"
        raise InputError(f"this is {kind}, not {text}", where=str(path), hint=hint)


def wide(text: bytes) -> str:
    """The encoding of a text that begins with a mark of UTF-16 or UTF-32, or is full of zeros; else ''."""
    marked = next((name for mark, name in _UNICODE.items() if text.startswith(mark)), "")
    zeros = text.count(0) / max(len(text), 1)
    return marked or ("utf-32" if zeros > 2 / 3 else "utf-16" if zeros > 1 / 3 else "")


def delimited(usual: str, path: Path) -> Iterator[Reading]:
    """Separators by how often they are in the header; the usual one comes first among equals."""
    encoding = encoding_of(path)
    top = (line.decode("utf-8", "replace") for line in islice(lines(path, encoding), 2))
    header, record = (*(re.sub(r'"[^"]*"', "", line) for line in top), "", "")[:2]
    marks = sorted(_MARKS, key=lambda mark: (-header.count(mark), mark != usual))
    for mark in marks:
        if mark == usual == marks[0]:
            yield Reading(encoding=encoding)
        elif mark in header or (mark == usual and marks[0] not in record):
            yield Reading(mark, encoding)


def none(path: Path) -> Iterator[Reading]:
    """There is one way to read it."""
    del path
    return iter(())


def encoded(path: Path) -> Iterator[Reading]:
    """The one encoding that the bytes speak for."""
    yield Reading(encoding=encoding_of(path))


def encoding_of(path: Path) -> str:
    """The encoding of a text; '' for UTF-8."""
    with reading(path) as stream:
        head = stream.read(_HEAD)
        if named := next((name for mark, name in _UNICODE.items() if head.startswith(mark)), ""):
            return named
        even, odd = head[::2].count(0), head[1::2].count(0)
        if max(even, odd) * 4 > len(head):  # half of each letter of ASCII is a zero
            return "utf-16-le" if odd > even else "utf-16-be"
        decoder = codecs.getincrementaldecoder("utf-8")()
        try:
            while head:
                decoder.decode(head)
                head = stream.read(BLOCK)
            decoder.decode(b"", final=True)
        except UnicodeDecodeError:
            return _OTHER
    return ""
