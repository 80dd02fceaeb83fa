"""One JSON array of objects, UTF-8; it is read whole, so it is for small tables: .jsonl is for large ones.

This module does not know what the fields mean.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import polars as pl

from pipeline.core.contracts import Reading
from pipeline.core.dtypes import json_text
from pipeline.core.errors import InputError, own_words
from pipeline.system.files import readable_file, reading
from pipeline.tables import _guess
from pipeline.tables._objects import frame_of
from pipeline.tables._text import TextFile
from pipeline.text.strict_json import Twice, distinct

SPREADSHEET = False
READS: tuple[str, ...] = ()
guesses = _guess.none
_NO_NUMBER = "it has no"
LARGEST = 64 << 20  # the most bytes of a file: read whole, it takes ten times as much memory


def scan(path: Path, how: Reading | None = None) -> pl.LazyFrame:
    """A column for each name at the top; `InputError` with the place for what is no array of objects."""
    del how  # there is nothing to follow
    hint = 'the file is one array, [{"id": 1, ...}, ...]; a file with an object a line is named .jsonl'
    size = readable_file(path).st_size
    _guess.refuse_others(path, "JSON")
    if size > LARGEST:
        what = f"an array of JSON is read whole, and this one is larger than {LARGEST >> 20} MiB"
        raise InputError(what, where=str(path), hint="write an object a line, and name it .jsonl")
    with reading(path) as stream:
        text = stream.read().removeprefix(b"\xef\xbb\xbf")
    try:
        items: Any = json.loads(text.decode(), object_pairs_hook=distinct, parse_constant=_no_number)
    except UnicodeDecodeError as error:
        what = f"byte {error.start} is not UTF-8"
        raise InputError(what, where=str(path), hint="save it as UTF-8") from None
    except (ValueError, RecursionError) as error:
        twice = isinstance(error, Twice)
        what = str(error) if twice else f"this is not JSON: {own_words(str(error))}"
        hint = "rename one of the two" if twice else "write null" if _NO_NUMBER in what else hint
        raise InputError(what, where=str(path), hint=hint) from None
    if not isinstance(items, list):
        raise InputError("this is not a JSON array", where=str(path), hint=hint)
    for number, item in enumerate(items, 1):
        if not isinstance(item, dict):
            raise InputError("this is not a JSON object", where=f"{path}, item {number}", hint=hint)
    frame = frame_of(lambda: iter(items))
    if frame is None:
        raise InputError("there is no JSON object with a field in it", where=str(path))
    return frame


def _no_number(word: str) -> None:
    raise ValueError(f"{_NO_NUMBER} {word}")


def place(path: Path, row: int, how: Reading | None = None) -> str:
    """Where the record number `row` (1-based) stands."""
    del path, how  # the number says it
    return f"item {row}"


class Array:
    """An array with an object a line."""

    def __init__(self, path: Path, target: Path, schema: pl.Schema) -> None:
        self._file, self._before = TextFile(path, target), "[\n"

    def write(self, frame: pl.DataFrame) -> None:
        """Append the frame's rows."""
        for row in frame.iter_rows(named=True):
            self._file.write(f"{self._before}{json_text(row)}".encode())
            self._before = ",\n"

    def close(self) -> None:
        """End the array and the file."""
        self._file.write(b"[]\n" if self._before == "[\n" else b"\n]\n")
        self._file.close()


create = Array
