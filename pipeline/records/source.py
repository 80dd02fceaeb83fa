"""A file or a frame -> records, each with its key, as often as asked and always in the same order.

    file -> scan -> where -> (row, key, occurrence) -> sample -> limit -> batches of records

`open_records` reads the input once to check and count it, and raises what is wrong before the first record.
For that it keeps eight bytes for each row.
This module does not know formats (`tables/`), nor what is done with a record.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from itertools import count, islice
from pathlib import Path
from typing import Any

import polars as pl

from pipeline.core.domain import Record
from pipeline.core.dtypes import first_line, json_text, parts, polars_words
from pipeline.core.errors import InputError, JobError
from pipeline.core.redaction import Redactor
from pipeline.core.suggest import nearest
from pipeline.job.files import Records, Sample
from pipeline.records.documents import Documents, Ours, are_documents
from pipeline.records.keys import Occurrences, comparable, drawn, part_of
from pipeline.records.opening import Origin, Rows, as_frame, scan_of
from pipeline.records.types import plain, typed
from pipeline.records.where import chosen, no_numbers

CHUNK = 4096
HEAVY = 16
"""records that are read at once where they hold bytes: a picture may have megabytes"""
ROW = "\x00row"
HASH = "\x00hash"


def open_records(
    spec: Records,
    base: Path,
    frame: Rows | None = None,
    without: Collection[Path] = (),
    ours: Ours | None = None,
) -> Source | Documents:
    """The records of a job: documents, where its files are such, or else rows.

    Paths are relative to the folder `base`. Files and folders in `without` are no documents, nor are
    those that `ours` names.
    """
    if frame is None and are_documents(spec, base):
        return Documents(spec, base, without, ours)
    return open_rows(spec, base, frame)


def open_rows(spec: Records, base: Path, frame: Rows | None = None) -> Source:
    """The rows of a table: of the file, relative to the folder `base`, or of a frame or a list of dicts.

    Blocks while it reads the input once. Raises `InputError` for input that is not well formed, a null or
    a duplicate key, and `JobError` for an unknown column or format.
    """
    if frame is not None:
        name = f"source_{spec.plugin}" if spec.plugin else "the frame"
        scan, origin = as_frame(frame).lazy(), Origin(name, lambda row: f"row {row}")
    else:
        scan, origin = scan_of(spec, base)
    with polars_words(origin.unreadable):
        scan = _plain(scan)
        if spec.types:
            scan = typed(scan, spec.types, spec.private, origin.at)
        schema = scan.collect_schema()
    _check_columns(spec, schema, origin)
    whole = scan
    if spec.where is not None:
        scan = chosen(scan.with_row_index(ROW, offset=1), schema, spec.where)
    source = Source(scan, schema, spec, origin)
    source.whole = whole
    found = source.total()
    source.choose(spec.sample, spec.limit)
    source.chosen = part_of(spec, found, source.total())
    return source


def _plain(scan: pl.LazyFrame) -> pl.LazyFrame:
    """The columns as Python holds them, so that the schema says what the values are."""
    schema = scan.collect_schema()
    return scan.with_columns(
        column for name, dtype in schema.items() if (column := plain(pl.col(name), dtype)) is not None
    )


def _check_columns(spec: Records, schema: pl.Schema, origin: Origin) -> None:
    if not schema:
        raise InputError("there are no columns", where=origin.name)
    for name in (*spec.key, *spec.private):
        if name not in schema:
            hint = nearest(name, schema) or f"columns: {', '.join(schema)}"
            where = "records.key" if name in spec.key else "records.private"
            raise JobError(f"{origin.name} has no column '{name}'", where=where, hint=hint)
    for name in spec.key:
        if schema[name].is_nested() or isinstance(schema[name], pl.Binary | pl.Object):
            what = f"the column '{name}' is {schema[name]}, which cannot be a key"
            raise JobError(what, where="records.key")


class Source:
    """The records of one input. Iterating twice gives the same records in the same order.

    `schema` holds the input's columns in their order, `kept` those that go into the result's table; `path` is
    the file, None where they come from a frame. `told` says what was found, where that is worth a sentence.
    """

    told = ""

    def __init__(self, scan: pl.LazyFrame, schema: pl.Schema, spec: Records, origin: Origin) -> None:
        self.schema = self.kept = schema
        self.path = origin.path
        self.keyed = bool(spec.key)
        self.whole = scan
        """also what `where` does not choose"""
        self.chosen = ""
        """which part of the records is meant, in words; '' for all of them"""
        self._scan = scan
        self._key, self._where = spec.key, spec.where
        self._origin = origin
        self._redactor = Redactor.before(spec.private, spec.key)
        self._rows: frozenset[int] | None = None
        self._limited = False
        self._repeated, self._total = self._survey()

    def total(self) -> int:
        """How many records there are, after where, sample and limit."""
        return self._total

    def at(self, row: int) -> str:
        """Where the record of this row stands: "posts.csv, line 7"."""
        return self._origin.at(row)

    def batches(self, size: int = 512) -> Iterator[list[Record]]:
        """The records, `size` or fewer at a time. Blocks: for a worker thread, not for an event loop."""
        if any(isinstance(part, pl.Binary) for dtype in self.schema.values() for part in parts(dtype)):
            size = min(size, HEAVY)
        if not self._redactor.columns:
            return self._plain(size)
        return ([self._redactor.record(record) for record in batch] for batch in self._plain(size))

    def _plain(self, size: int = 512) -> Iterator[list[Record]]:
        """The same records, with their keys as the input has them."""
        left = self._total
        for batch in self._chosen(size):
            if self._limited and left <= len(batch):
                batch = batch[:left]
            left -= len(batch)
            if batch:
                yield batch
            if self._limited and not left:
                break
        self._check_unchanged(same=left == 0)

    def choose(self, sample: Sample | None, limit: int | None) -> None:
        """Keep a sample, then at most `limit` records."""
        if sample is not None:
            self._rows = drawn(
                ((record.key, record.row) for batch in self._plain() for record in batch), sample
            )
            self._total = len(self._rows)
        if limit is not None:
            self._limited = limit < self._total
            self._total = min(self._total, limit)

    def no_numbers(self) -> Sequence[tuple[str, int, str]]:
        """(column, how many, the first) of the cells that `where` takes for numbers, and that are none."""
        if self._where is None:
            return ()
        with polars_words(self._origin.unreadable):
            return no_numbers(self.whole, self.schema, self._where)

    def _chosen(self, size: int) -> Iterator[list[Record]]:
        records, rows = self._all(size), self._rows
        if rows is None:
            return records
        return ([record for record in batch if record.row in rows] for batch in records)

    def _all(self, size: int) -> Iterator[list[Record]]:
        names = tuple(self.schema)
        keyed = self._keys()
        numbers = count(1)
        self._check_unchanged()
        for frame in self._read(self._scan, size):
            rows = frame.drop_in_place(ROW) if ROW in frame.columns else islice(numbers, frame.height)
            with polars_words(self._unreadable):
                values_of = [column.to_list() for column in frame.get_columns()]
            cells = zip(*values_of, strict=True)
            batch = []
            for values, row in zip(cells, rows, strict=True):
                fields = dict(zip(names, values, strict=True))
                batch.append(Record(keyed(fields), fields, row))
            yield batch

    def _read(self, scan: pl.LazyFrame, size: int) -> Iterator[pl.DataFrame]:
        """The frames of a scan; what polars finds wrong in the input is an `InputError`."""
        with polars_words(self._unreadable):
            try:
                yield from scan.collect_batches(chunk_size=size, maintain_order=True)
            except OSError as error:
                raise self._unreadable(first_line(error)) from error

    def _unreadable(self, reason: str) -> InputError:
        self._check_unchanged()
        return self._origin.unreadable(self._redactor.reason(reason))

    def _check_unchanged(self, *, same: bool = True) -> None:
        if not (same and self._origin.unchanged()):
            what = "the records were changed while they were read"
            hint = "run the same command again; answers that were paid for are kept"
            raise InputError(what, where=self._origin.name, hint=hint)

    def _survey(self) -> tuple[pl.Series | None, int]:
        """The rows whose content may occur more than once (None: none), and the number of rows.

        With a key it raises for a null or a duplicate. Rows are compared by a hash of 64 bits, and only
        those with equal hashes by what they hold.
        """
        columns = [pl.col(name) for name in self._key] or comparable(self.schema)
        hashed = pl.struct(columns).hash().alias(HASH)
        missing = pl.any_horizontal(pl.col(name).is_null() for name in self._key or ()) if self._key else None
        parts = [pl.Series(HASH, [], pl.UInt64)]
        wanted = [hashed] if missing is None else [hashed, missing.alias(ROW)]
        for frame in self._read(self._scan.select(wanted), CHUNK):
            if missing is not None and frame[ROW].any():
                raise self._null_key()
            parts.append(frame[HASH])
        hashes = pl.concat(parts)
        ordered = hashes.sort()
        twice = ordered.filter(ordered == ordered.shift(1)).unique()
        if not len(twice):
            return None, len(hashes)
        repeated = hashes.is_in(twice.implode())
        if self._key:
            self._check_duplicates(repeated)
        return repeated, len(hashes)

    def _keys(self) -> Callable[[dict[str, Any]], str]:
        if not self._key:
            return Occurrences(self._repeated)
        if len(self._key) == 1:
            name = self._key[0]
            return lambda fields: str(fields[name])
        names = self._key
        return lambda fields: json_text([fields[name] for name in names])

    def _null_key(self) -> InputError:
        for frame in self._rows_and_keys():
            for row, *values in frame.iter_rows():
                if None in values:
                    name = self._key[values.index(None)]
                    hint = "fill it, choose another key, or leave those rows out with `where`"
                    return InputError(f"the key '{name}' is empty", where=self._origin.at(row), hint=hint)
        return InputError("a key is empty", where=self._origin.name)

    def _check_duplicates(self, repeated: pl.Series) -> None:
        """Raise for the first key that occurs twice; equal hashes of different keys pass."""
        keyed = self._keys()
        seen: dict[str, int] = {}
        start = 0
        for frame in self._rows_and_keys():
            for row, *values in frame.filter(repeated.slice(start, frame.height)).iter_rows():
                key = keyed(dict(zip(self._key, values, strict=True)))
                if key in seen:
                    raise self._duplicate(key, seen[key], row)
                seen[key] = row
            start += frame.height

    def _duplicate(self, key: str, first: int, second: int) -> InputError:
        key = self._redactor.key(key)
        short = key if len(key) <= 60 else key[:57] + "..."
        what = f"the key '{short}' occurs twice: {self._origin.place(first)} and {self._origin.place(second)}"
        hint = "choose a key that is different in every row, or no key at all: then equal rows are numbered"
        return InputError(what, where=self._origin.name, hint=hint)

    def _rows_and_keys(self) -> Iterator[pl.DataFrame]:
        scan = self._scan
        if ROW not in scan.collect_schema():
            scan = scan.with_row_index(ROW, offset=1)
        return self._read(scan.select(ROW, *self._key), CHUNK)
