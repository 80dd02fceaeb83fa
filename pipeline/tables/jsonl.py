"""One JSON object a line, UTF-8; nested values stay lists and objects (also .jsonl.gz, .jsonl.zst).

The types come from all lines, not from the first hundred (`_json_types.py` has the rules), so no value is
changed to fit. Empty lines are ignored. This module does not know what the fields mean.
"""

from __future__ import annotations

import json
import re
from itertools import islice
from types import NoneType
from typing import TYPE_CHECKING, Any

import orjson
import polars as pl
from polars.io.plugins import register_io_source

from pipeline.core.dtypes import json_text, python_type, value_of
from pipeline.core.errors import InputError
from pipeline.system.files import readable_file
from pipeline.tables._json_types import Shape
from pipeline.tables._lines import lines
from pipeline.tables._text import TextFile

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

SPREADSHEET = False
ROWS = 512
_LONG_DIGITS = re.compile(rb"[0-9]{19}")


def scan(path: Path) -> pl.LazyFrame:
    """A column for each name at the top; `InputError` with the line number for what is no JSON object."""
    readable_file(path)
    columns: dict[str, Shape] = {}
    longs = _any_long_digits(path)
    for _, values in _objects(path, longs=longs):
        for name, value in values.items():
            if name not in columns:
                columns[name] = Shape()
            columns[name].see(value)
    if not columns:
        raise InputError("there is no JSON object with a field in it", where=str(path))
    schema = pl.Schema({name: shape.dtype for name, shape in columns.items()})
    return _lazy(path, schema, longs)


def place(path: Path, row: int) -> str:
    """Where the record number `row` (1-based) stands: "line 12"."""
    for line, _ in islice(_objects(path), row - 1, row):
        return f"line {line}"
    return f"row {row}"


def _lazy(path: Path, schema: pl.Schema, longs: bool) -> pl.LazyFrame:
    def frames(
        columns: list[str] | None, predicate: pl.Expr | None, limit: int | None, _size: int | None
    ) -> Iterator[pl.DataFrame]:
        wanted = pl.Schema({name: schema[name] for name in columns or schema})
        rows = (values for _, values in islice(_objects(path, longs=longs), limit))
        while batch := list(islice(rows, ROWS)):
            frame = _frame(batch, wanted)
            yield frame if predicate is None else frame.filter(predicate)

    return register_io_source(frames, schema=schema)


def _any_long_digits(path: Path) -> bool:
    return any(_LONG_DIGITS.search(line) for line in lines(path))


def _frame(batch: list[dict[str, Any]], schema: pl.Schema) -> pl.DataFrame:
    columns = []
    for name, dtype in schema.items():
        values = [row.get(name) for row in batch]
        if not {python_type(dtype), NoneType}.issuperset(map(type, values)):
            values = [value_of(value, dtype) for value in values]
        columns.append(pl.Series(name, values, dtype, strict=True))
    return pl.DataFrame(columns)


def _objects(path: Path, *, longs: bool = True) -> Iterator[tuple[int, dict[str, Any]]]:
    """Line number and object of every line that is not empty."""
    for line, text in enumerate(lines(path), 1):
        if line == 1:
            text = text.removeprefix(b"\xef\xbb\xbf")
        if text.isspace() or not text:
            continue
        yield line, _object(path, line, text, longs)


def _object(path: Path, line: int, text: bytes, longs: bool) -> dict[str, Any]:
    where = f"{path}, line {line}"
    try:
        values = orjson.loads(text)
        if longs and _LONG_DIGITS.search(text):  # an int of more than 64 bits, which orjson makes a float
            values = json.loads(text)
    except (ValueError, RecursionError) as error:
        torn = not text.endswith(b"\n")
        what = "the last line is cut off" if torn else "this line is not JSON"
        raise InputError(f"{what}: {error}", where=where, hint=_encoding_hint(text)) from None
    if not isinstance(values, dict):
        raise InputError(
            "this line is not a JSON object", where=where, hint='each line is one: {"id": 1, ...}'
        )
    return values


def _encoding_hint(text: bytes) -> str:
    if text.startswith((b"\xff\xfe", b"\xfe\xff")) or b"\0" in text:
        return "the file looks like UTF-16; save it as UTF-8"
    try:
        text.decode()
    except UnicodeDecodeError as error:
        return (
            f"byte {error.start} of the line (0x{text[error.start]:02x}) is not UTF-8; save the file as UTF-8"
        )
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


def create(path: Path, target: Path, schema: pl.Schema) -> Lines:
    """Begin the file `path` that will become `target`."""
    return Lines(path, target, schema)
