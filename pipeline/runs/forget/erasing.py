"""Rows out of tables, lines out of files, and the files of rows: all else stays what it is.

Each file is written anew beside itself and moved into place. This module does not know why a row goes.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import polars as pl

from pipeline.core import adapters
from pipeline.core.dtypes import cell_text
from pipeline.core.errors import InputError
from pipeline.output import manifest
from pipeline.output.folder import taken
from pipeline.output.spreadsheet import BEGINNINGS
from pipeline.output.table import Table
from pipeline.system.files import adapter_name, writing
from pipeline.system.safe_folder import Folder, InTheWay
from pipeline.system.staging import remove_leftovers

ROWS = 1024


@dataclass
class Erased:
    """What became of one table: the rows that went, those that stayed, or why nothing could be done."""

    path: Path
    rows: int = 0
    kept: pl.DataFrame = field(default_factory=pl.DataFrame)
    trouble: str = ""


class Pattern:
    """Which rows of a table are meant: those whose cells in some columns are one of these tuples."""

    def __init__(self, columns: Sequence[str], cells: Iterable[Sequence[Any]]) -> None:
        self.columns = tuple(columns)
        self._cells = {tuple(map(cell_text, row)) for row in cells}

    def fits(self, columns: Collection[str]) -> bool:
        """Whether a table with these columns can be asked."""
        return bool(self.columns) and set(self.columns) <= set(columns)

    def holds(self, cells: Sequence[Any]) -> bool:
        """Whether a row with these cells, in the order of `columns`, is meant."""
        texts = tuple(map(cell_text, cells))
        return texts in self._cells or tuple(map(_untamed, texts)) in self._cells


def erase_rows(path: Path, patterns: Iterable[Pattern], own: Path) -> Erased:
    """Take rows out of a result's file; the first pattern decides that the table has the columns for."""
    erased = Erased(path)
    try:
        frame = _frame(path)
    except InputError as error:
        erased.trouble = f"it cannot be read ({error.what})"
        return erased
    pattern = next((one for one in patterns if one.fits(frame.columns)), None)
    if pattern is None:
        erased.trouble = "its columns do not say which rows they are"
        return erased
    gone = [pattern.holds(cells) for cells in frame.select(pattern.columns).iter_rows()]
    erased.rows, erased.kept = sum(gone), frame.filter(~pl.Series(gone, dtype=pl.Boolean))
    with Table([path], frame.schema, own=own) as table:  # which removes what a killed run left beside it
        if erased.rows:
            for part in erased.kept.iter_slices(ROWS):
                table.write(part.rows())
            table.publish()
    return erased


def erase_files(state: Path, root: Path, names: Collection[str]) -> tuple[int, list[Path]]:
    """Remove the files that were written for records of these names, whatever stands in them by now.

    How many they were, and those that stay because they are behind a link or are no files.
    """
    lock = taken(state)
    try:
        removed = 0
        stay: list[Path] = []
        for folder in manifest.folders(state):
            if (root / folder).is_dir():
                paths = [path for place, path in manifest.of_records(state, names) if place == folder]
                gone, left = _removed(root / folder, paths)
                removed, stay = removed + gone, [*stay, *left]
        manifest.strike(state, names)
    finally:
        os.close(lock)
    return removed, stay


def _removed(path: Path, files: Collection[str]) -> tuple[int, list[Path]]:
    gone = 0
    left: list[Path] = []
    with writing(path):
        folder = Folder(path, own=True)
        try:
            remove_leftovers(folder)
            for file in files:
                try:
                    gone += folder.digest(file) is not None
                    folder.remove(file)
                except InTheWay:
                    left.append(path / file)
            folder.sync(files)
        finally:
            folder.close()
    return gone, left


def _frame(path: Path) -> pl.DataFrame:
    frame: pl.DataFrame = adapters.load("tables", adapter_name(path)[0]).scan(path).collect()
    return frame


def erase_lines(path: Path, meant: Callable[[bytes], bool]) -> int:
    """Take lines out of a text file; how many they were."""
    if not path.exists():
        return 0
    with writing(path):
        lines = path.read_bytes().splitlines(keepends=True)
        kept = [line for line in lines if not meant(line)]
        if len(kept) < len(lines):
            _replace(path, b"".join(kept))
    return len(lines) - len(kept)


def _replace(path: Path, content: bytes) -> None:
    aside = path.with_name(f".{path.name}.part")
    aside.unlink(missing_ok=True)
    descriptor = os.open(aside, os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_CLOEXEC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(descriptor)
    aside.replace(path)


def _untamed(text: str) -> str:
    """The text without the apostrophe that keeps spreadsheets from taking it for a formula."""
    return text[1:] if text.startswith("'") and text[1:2] in tuple(BEGINNINGS) else text


def table_text(frame: pl.DataFrame) -> Iterator[bytes]:
    """The cells of a table as text, a row at a time: formats that compress cannot be searched as they are."""
    for row in frame.iter_rows():
        yield "\n".join(map(cell_text, row)).encode("utf-8", "replace")
