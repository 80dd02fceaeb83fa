"""The file that a job names as its records, or a frame -> a scan of its rows, and their place for messages.

This module does not know keys, nor which of the rows are used.
"""

from __future__ import annotations

import shlex
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

import polars as pl

from pipeline.core import adapters
from pipeline.core.contracts import AS_IT_IS, Reading
from pipeline.core.errors import InputError, JobError
from pipeline.job.files import Records
from pipeline.system.files import COMPRESSIBLE, adapter_name, readable_file
from pipeline.translation.formats import suffixes

Rows: TypeAlias = pl.DataFrame | pl.LazyFrame | Sequence[Mapping[str, Any]]
"""what may take the place of a file"""
FROM = "records.from"
_TEXT_CODECS = {"", "utf-8", "utf8", "utf_8", "utf-8-sig", "ascii"}  # encodings that are read as UTF-8 is
_OTHERS = {
    **dict.fromkeys(("xls", "xlsb", "xlsm"), "save it as .xlsx; "),
    **dict.fromkeys(("ndjson", "jsonlines"), "name it .jsonl; "),
    "pq": "name it .parquet; ",
    "txt": "name it .csv or .tsv, by what separates its cells; ",
    **dict.fromkeys(("doc", "odt", "rtf", "pages"), "this is no table; to translate it, save it as .docx; "),
    "pdf": "a PDF holds letters at places, and no rows: convert it first; ",
}
"""endings of files that are not read, and what to do"""


def how_to_translate(*names: str) -> str:
    """What to do with documents that are given where a table is meant."""
    return f"`pipeline translate {shlex.join(names)} --from en --to de` translates documents"


@dataclass(frozen=True)
class Origin:
    """Where the rows come from, for messages, and for a check that the file has not changed."""

    name: str
    place: Callable[[int], str]
    unchanged: Callable[[], bool] = lambda: True
    path: Path | None = None

    def at(self, row: int) -> str:
        """Where the row (1-based) stands: "posts.csv, line 7"."""
        return f"{self.name}, {self.place(row)}"

    def unreadable(self, reason: str) -> InputError:
        """The error for rows of which polars says `reason`."""
        return InputError(f"the records cannot be read: {reason}", where=self.name)


def scan_of(spec: Records, base: Path) -> tuple[pl.LazyFrame, Origin]:
    """The rows of the file, relative to the folder `base`; raises for what is not read."""
    path = _local(spec.path, base)
    state = _fingerprint(path)
    name, compression = adapter_name(path)
    known = adapters.names("tables")
    if name not in known:
        is_document = path.suffix.lower() in suffixes()
        document = f"this is a document, and no table; {how_to_translate(spec.path)}; " if is_document else ""
        hint = f"{_OTHERS.get(name, document)}known suffixes: .{', .'.join(known)}"
        raise JobError(f"no table format reads '{path.name}'", where=FROM, hint=hint)
    if compression and name not in COMPRESSIBLE:
        raise JobError(f".{name}.{compression} is not read", where=FROM, hint="decompress it first")
    adapter = adapters.load("tables", name)
    encoding = "" if spec.encoding.lower() in _TEXT_CODECS else spec.encoding
    how = Reading(spec.separator, encoding, spec.sheet, spec.header or 0)
    for option in ("separator", "encoding", "sheet", "header"):
        if getattr(spec, option) != Records.model_fields[option].default and option not in adapter.READS:
            reads = f"what a .{name} file knows: {', '.join(adapter.READS)}"
            hint = reads if adapter.READS else "leave it out"
            raise JobError(f"a .{name} file has no {option}", where=f"records.{option}", hint=hint)
    scan = adapter.scan(path) if how == AS_IT_IS else adapter.scan(path, how)
    return scan, Origin(
        str(path), lambda row: adapter.place(path, row, how), lambda: _fingerprint(path) == state, path
    )


def _local(name: str, base: Path) -> Path:
    """The path of the file; a `JobError` for what is no single file on this machine."""
    if not name:
        raise JobError("no file is named", where=FROM, hint="from: data/products.csv")
    if name == "-":
        raise JobError("standard input can be read once only", where=FROM, hint="save it to a file")
    if "://" in name:
        what, hint = "only local files are read", "download it first, and name the file here"
        raise JobError(what, where=FROM, hint=hint)
    path = base / name
    refuse_slips(name, path)
    if path.is_dir():
        what = "this is a folder: a table is one file"
        raise InputError(what, where=str(path), hint="name one file in it")
    return path


def is_table(path: Path) -> bool:
    """Whether the suffix of a file is that of a table."""
    return adapter_name(path)[0] in adapters.names("tables")


def _fingerprint(path: Path) -> tuple[int, int, int]:
    state = readable_file(path)
    return state.st_size, state.st_mtime_ns, state.st_ino


def as_frame(rows: Rows) -> pl.DataFrame | pl.LazyFrame:
    """The rows as a frame; `InputError` for what is none."""
    if isinstance(rows, pl.DataFrame | pl.LazyFrame):
        return rows
    hint = "give a polars frame, or a list of dicts with one type of value in each column"
    if not isinstance(rows, list | tuple) or not all(isinstance(row, Mapping) for row in rows):
        given = type(rows).__name__
        raise InputError(f"`records` cannot be a {given}", where="records", hint=f"{hint}: pl.from_pandas(…)")
    try:
        return pl.DataFrame([dict(row) for row in rows], infer_schema_length=None)
    except (pl.exceptions.PolarsError, TypeError, ValueError, OverflowError):
        raise InputError("the values of a column have several types", where="records", hint=hint) from None


def refuse_slips(written: str, path: Path) -> None:
    """Refuse a name in the job file that is a slip, with the name that is meant."""
    if path.name.startswith("~$"):
        hint = f"name the table itself: from: {written.replace('~$', '')}"
        raise JobError("this file is Excel's note that a table is open", where="records.from", hint=hint)
    if "\\" in written and not path.exists():
        hint = f"write / between folders: from: {written.replace(chr(92), '/')}"
        raise JobError(f"there is no file '{written}'", where="records.from", hint=hint)
