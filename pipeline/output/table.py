"""A table for one file or several: written to temporary files, then moved into place.

    with Table([Path("posts.csv"), Path("posts.parquet")], schema) as table:
        table.write(rows)       # as often as there are rows
        table.publish()

A target holds what it held before or the whole new table, never a part. The same rows give the same bytes,
however they are divided among calls of `write`. This module does not know formats (`tables/`), nor whose rows
they are.
"""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from pipeline.core import adapters
from pipeline.core.contracts import TableFormat, TableWriter
from pipeline.core.dtypes import first_line, fits, json_text, python_type
from pipeline.core.errors import DiskError, JobError
from pipeline.output.aside import locked_file, remove_leftovers
from pipeline.output.spreadsheet import tame_frame, tame_schema
from pipeline.output.types import check_types
from pipeline.system.files import COMPRESSIBLE, adapter_name, disk_error, make_folder, sync_folder, writing

ROWS = 1024
Rows = Sequence[Sequence[object]]


@dataclass(frozen=True, slots=True)
class Written:
    """A file that was moved into place: its size in bytes and its SHA-256, as hexadecimal digits."""

    path: Path
    bytes: int
    sha256: str


class Table:
    """Rows of one schema into all targets at once. Not thread-safe: one thread writes.

    `schema` holds the columns in order. With `spreadsheet_safe`, no text in a file that spreadsheets open
    can be read as a formula. A file in the folder `own` is readable by its owner alone; any other follows the
    umask, or keeps its rights. Raises `JobError` for an unknown suffix or a value a format cannot hold, and
    `DiskError`, which names the path, for what the disk refuses.
    """

    def __init__(
        self,
        targets: Sequence[Path],
        schema: pl.Schema,
        *,
        own: Path | None = None,
        spreadsheet_safe: bool = False,
    ) -> None:
        self._columns = _Columns(schema)
        self._waiting: list[list[object]] = [[] for _ in schema]
        self._files: list[_Staging] = []
        self._complete: list[Written] = []
        try:
            for target in targets:
                self._files.append(_Staging(target, schema, own, spreadsheet_safe))
        except BaseException:
            self.abandon()
            raise

    def write(self, rows: Rows) -> None:
        """Append rows, each the values in column order.

        Nothing is cast: a value that is not of its column's dtype is a `TypeError` that names the column. A
        lone surrogate, which UTF-8 cannot hold, becomes U+FFFD.
        """
        self.write_columns(list(zip(*rows, strict=True)))

    def write_columns(self, columns: Sequence[Sequence[object]]) -> None:
        """The same rows, column by column."""
        for waiting, more in zip(self._waiting, columns, strict=True) if columns else ():
            waiting.extend(more)
        whole = self._height - self._height % ROWS
        for start in range(0, whole, ROWS):  # frames of one size: the bytes do not depend on the calls
            self._pass_on([waiting[start : start + ROWS] for waiting in self._waiting])
        for waiting in self._waiting:
            del waiting[:whole]

    @property
    def _height(self) -> int:
        return len(self._waiting[0]) if self._waiting else 0

    def publish(self) -> list[Written]:
        """Complete the files, and move them into place; gives the written files."""
        self.complete()
        return self.move()

    def complete(self) -> list[Written]:
        """Complete the files and sync them; gives what `move` is to put in place."""
        if self._height:
            self._pass_on(self._waiting)
            self._waiting = [[] for _ in self._waiting]
        self._complete = [file.complete() for file in self._files]
        return self._complete

    def move(self) -> list[Written]:
        """Move the complete files into place and sync the folders; gives them."""
        for done, file in enumerate(self._files):
            try:
                file.move()
            except DiskError as error:
                names = ", ".join(str(one.path) for one in self._complete[:done])
                hint = f"already written: {names}" if names else error.hint
                raise DiskError(error.what, where=error.where, hint=hint) from error
        self._files = []
        return self._complete

    def abandon(self) -> None:
        """Remove the temporary files; the targets stay as they were. Does nothing after `publish`."""
        for file in self._files:
            file.remove()
        self._files = []

    def __enter__(self) -> Table:
        return self

    def __exit__(self, *_: object) -> None:
        self.abandon()

    def _pass_on(self, columns: Sequence[Sequence[object]]) -> None:
        frame = self._columns.frame(columns)
        for file in self._files:
            file.write(frame)


class _Columns:
    """Columns -> frames of one schema, with nothing cast."""

    def __init__(self, schema: pl.Schema) -> None:
        self._schema = schema
        self._tests = {name: fits(dtype) for name, dtype in schema.items()}
        self._types = {name: {python_type(dtype), type(None)} for name, dtype in schema.items()}

    def frame(self, columns: Sequence[Sequence[object]]) -> pl.DataFrame:
        series = [
            self._series(name, dtype, values)
            for (name, dtype), values in zip(self._schema.items(), columns, strict=True)
        ]
        return pl.DataFrame(series)

    def _series(self, name: str, dtype: pl.DataType, values: Sequence[object]) -> pl.Series:
        if not self._types[name].issuperset(map(type, values)):  # fast, and true for all flat values that fit
            self._check(name, dtype, values)
        try:
            return pl.Series(name, values, dtype, strict=True)
        except UnicodeEncodeError:
            return pl.Series(name, [_without_surrogates(value) for value in values], dtype, strict=True)
        except (TypeError, OverflowError) as error:
            raise TypeError(f"the column '{name}' ({dtype}): {str(error).splitlines()[0]}") from error

    def _check(self, name: str, dtype: pl.DataType, values: Sequence[object]) -> None:
        for value in values:
            if not self._tests[name](value):
                text = json_text(value) if isinstance(value, dict | list) else repr(value)
                raise TypeError(
                    f"the column '{name}' ({dtype}) cannot hold {text[:80]} ({type(value).__name__})"
                )


def _without_surrogates(value: object) -> object:
    if isinstance(value, str):
        return re.sub("[\ud800-\udfff]", "\ufffd", value)
    if isinstance(value, list):
        return [_without_surrogates(item) for item in value]
    if isinstance(value, dict):
        return {name: _without_surrogates(part) for name, part in value.items()}
    return value


class _Staging:
    """A hidden file beside its target, and the sink that writes it."""

    def __init__(self, target: Path, schema: pl.Schema, own: Path | None, spreadsheet_safe: bool) -> None:
        adapter = _adapter(target)
        check_types(target, schema)
        self._tamed = spreadsheet_safe and adapter.SPREADSHEET
        schema = tame_schema(schema) if self._tamed else schema
        self.target = Path(os.path.realpath(target))
        if self.target.is_dir():
            raise JobError("this is a folder, not a file", where=str(target))
        with writing(self.target):
            make_folder(self.target.parent)
            remove_leftovers(self.target)
            inside = own is not None and self.target.is_relative_to(os.path.realpath(own))
            rights = 0o600 if inside else 0o666  # less the umask, as for any file
            self._file, self.path = locked_file(self.target, rights)
            with suppress(FileNotFoundError):
                # a file that is there keeps its rights
                os.fchmod(self._file, 0o600 | rights & self.target.stat().st_mode)
        try:
            with self._guarded():
                self._sink: TableWriter = adapter.create(self.path, self.target, schema)
        except BaseException:
            self._unlink()
            raise

    def write(self, frame: pl.DataFrame) -> None:
        with self._guarded():
            self._sink.write(tame_frame(frame) if self._tamed else frame)

    def complete(self) -> Written:
        """End the file and sync it; gives its size and digest."""
        with self._guarded():
            self._sink.close()
            with self.path.open("rb") as file:
                os.fsync(file.fileno())
                digest = hashlib.file_digest(file, "sha256")
                return Written(self.target, file.tell(), digest.hexdigest())

    def move(self) -> None:
        with writing(self.target):
            self.path.replace(self.target)
            sync_folder(self.target.parent)
        self._close()

    def remove(self) -> None:
        """Stop, and remove the temporary file; errors are ignored, because nobody needs the file."""
        with suppress(Exception):
            self._sink.close()
        self._unlink()

    def _unlink(self) -> None:
        with suppress(OSError):
            self.path.unlink(missing_ok=True)
        self._close()

    def _close(self) -> None:
        if self._file >= 0:
            os.close(self._file)
        self._file = -1

    @contextmanager
    def _guarded(self) -> Iterator[None]:
        """What the system, or polars on its behalf, refuses becomes a `DiskError` that names the target."""
        try:
            yield
        except OSError as error:
            raise disk_error(error, self.target) from error
        except (pl.exceptions.PolarsError, pl.exceptions.PanicException) as error:
            raise DiskError(first_line(error), where=str(self.target)) from error


def _adapter(target: Path) -> TableFormat:
    name, compression = adapter_name(target)
    adapter = adapters.load("tables", name)
    if compression and name not in COMPRESSIBLE:
        raise JobError(f"a .{name} file is compressed already", where="output.to", hint=f"write .{name}")
    return adapter
