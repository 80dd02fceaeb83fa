"""One JSON object a line, UTF-8; nested values stay lists and objects (also .jsonl.gz, .jsonl.zst).

Empty lines are ignored. This module does not know what the fields mean.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import orjson
import polars as pl

from pipeline.core.contracts import AS_IT_IS, Reading
from pipeline.core.dtypes import json_text
from pipeline.core.errors import InputError, own_words
from pipeline.system.files import readable_file
from pipeline.tables import _guess
from pipeline.tables._lines import lines
from pipeline.tables._objects import frame_of
from pipeline.tables._text import TextFile
from pipeline.text.strict_json import Twice, distinct, members

SPREADSHEET = False
READS = ("encoding",)
guesses = _guess.encoded
_LONG_DIGITS = re.compile(rb"[0-9]{19}")
_PLACE = re.compile(r"line 1, (?=character)| \(line (?!1,)[0-9]+, character [0-9]+\)")  # of a line in itself
_NO_NUMBER = re.compile(rb"[:,\[]\s*-?(?:NaN|Infinity)\b")
_ONE = 'each line is one: {"id": 1, ...}'
_MEMBER = re.compile(rb'"\s*:')
"""each member has one; where there are more, a key stands twice, or a text has such signs in it"""


def scan(path: Path, how: Reading = AS_IT_IS) -> pl.LazyFrame:
    """A column for each name at the top; `InputError` with the line number for what is no JSON object."""
    readable_file(path)
    _guess.refuse_others(path, "JSON")
    longs = any(_LONG_DIGITS.search(line) for line in lines(path, how.encoding))
    frame = frame_of(lambda: (values for _, values in _objects(path, how, longs=longs)))
    if frame is None:
        raise InputError("there is no JSON object with a field in it", where=str(path))
    return frame


def place(path: Path, row: int, how: Reading = AS_IT_IS) -> str:
    """Where the record number `row` (1-based) stands: "line 12"."""
    for line, _ in islice(_objects(path, how), row - 1, row):
        return f"line {line}"
    return f"row {row}"


def _objects(path: Path, how: Reading, *, longs: bool = True) -> Iterator[tuple[int, dict[str, Any]]]:
    for line, text in enumerate(lines(path, how.encoding), 1):
        if line == 1:
            text = text.removeprefix(b"\xef\xbb\xbf")
        if text.isspace() or not text:
            continue
        yield line, _object(path, line, text, longs)


def _object(path: Path, line: int, text: bytes, longs: bool) -> dict[str, Any]:
    where = f"{path}, line {line}"
    try:
        values = orjson.loads(text)
        long = longs and _LONG_DIGITS.search(text)  # an int of more than 64 bits, which orjson makes a float
        if long or len(_MEMBER.findall(text)) != members(values):
            values = json.loads(text, object_pairs_hook=distinct)
    except Twice as error:
        raise InputError(str(error), where=where, hint="rename one of the two") from None
    except (ValueError, RecursionError) as error:
        torn = not text.endswith(b"\n")
        what = "the last line is cut off" if torn else "this line is not JSON"
        hint = _encoding_hint(text)
        if not hint and _NO_NUMBER.search(text):
            hint = "JSON has no NaN and no Infinity: write null"
        elif not hint and (line == 1 or text.strip() in (b"{", b"[")):
            hint = f"{_ONE}; a file that is one array of objects is named .json, a table of cells .csv"
        said = _PLACE.sub("", own_words(str(error)))
        raise InputError(f"{what}: {said}", where=where, hint=hint) from None
    if not isinstance(values, dict):
        hint = _ONE
        if isinstance(values, list):
            hint += "; a file that is one array of them is named .json"
        raise InputError("this line is not a JSON object", where=where, hint=hint)
    return values


def _encoding_hint(text: bytes) -> str:
    if name := _guess.wide(text):
        return f"the file looks like {name.upper()}: name it, records.encoding: {name}, or save it as UTF-8"
    try:
        text.decode()
    except UnicodeDecodeError as error:
        byte = f"byte {error.start} of the line (0x{text[error.start]:02x}) is not UTF-8"
        return f"{byte}: name its encoding with records.encoding, or save the file as UTF-8"
    return ""


class Lines:
    """An object a row, its fields in the schema's order."""

    def __init__(self, path: Path, target: Path, schema: pl.Schema) -> None:
        self._file = TextFile(path, target)

    def write(self, frame: pl.DataFrame) -> None:
        """Append the frame's rows."""
        lines = (json_text(row) + "\n" for row in frame.iter_rows(named=True))
        self._file.write("".join(lines).encode())

    def close(self) -> None:
        """End the file."""
        self._file.close()


create = Lines
