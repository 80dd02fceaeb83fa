"""Documents -> records: one for each file, with its path, its format and its bytes.

    docs/guide/a.md  ->  path guide/a.md, name guide/a, suffix .md, format markdown, site hugo, content b"…"

The key of a record is its path, relative to the folder that `from` names; of several entries, relative to the
folder that they share. The files are looked at once, before the first record. The bytes of each are read
when its record is wanted, one file at a time. This module does not know what is in a document.
"""

from __future__ import annotations

import os
import stat
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import polars as pl

from pipeline.core.display import counted
from pipeline.core.domain import Record
from pipeline.core.errors import InputError, JobError
from pipeline.job.files import Records, Sample
from pipeline.job.translation_job import MADE
from pipeline.records.context import NAME, WHY, contexts
from pipeline.records.found import FROM, SIGNS, Named, below, named
from pipeline.records.keys import drawn, part_of
from pipeline.records.opening import how_to_translate, is_table
from pipeline.records.site import site_of
from pipeline.records.where import chosen
from pipeline.translation.formats import format_of, suffixes

KEPT = ("path", "format")
"""the columns that go into the result's table"""
FIELDS = ("path", "name", "suffix", "format")
LARGEST = 256 << 20  # bytes of a document: it is held in memory as a whole
_JOB_FILE = f"{MADE}pipeline translate ".encode()
_ROW = "\x00row"
_FLAGS = os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC
_OF_TABLES = ("key", "private", "separator", "encoding", "sheet", "header", "types")


Ours = Callable[[Mapping[str, str]], Iterable[Path]]
"""the fields of a document -> the files that the job writes for it: they are no documents themselves"""


def are_documents(spec: Records, base: Path) -> bool:
    """Whether each file is one record, and not each row of one file."""
    if spec.kind or len(spec.origins) != 1:
        return spec.kind == "documents" or (not spec.kind and len(spec.origins) > 1)
    (name,) = spec.origins
    path = base / name
    if not name or name == "-" or "://" in name:
        return False
    if path.is_file():
        return not is_table(path) and path.suffix.lower() in suffixes()
    return path.is_dir() or (not path.exists() and any(sign in name for sign in SIGNS))


def key_columns(spec: Records, base: Path) -> tuple[str, ...]:
    """The columns of the result that hold the record's key; () where it has none."""
    return spec.key or (("path",) if are_documents(spec, base) else ())


@dataclass(frozen=True, slots=True)
class _File:
    """A document on the disk: its key, its place, its state when it was looked at, its format."""

    path: str
    place: Path
    state: tuple[int, int, int]
    format: str

    @property
    def fields(self) -> dict[str, str]:
        suffix = PurePosixPath(self.path).suffix
        return {
            "path": self.path,
            "name": self.path.removesuffix(suffix),
            "suffix": suffix,
            "format": self.format,
        }


class Documents:
    """The records of documents. Iterating twice gives the same records in the same order.

    It has what `source.Source` has. Raises `JobError` where no document is found, and for keys of `records`
    that only tables have.
    """

    keyed = True
    path = None
    schema = pl.Schema({**dict.fromkeys((*FIELDS, "site", "context"), pl.String()), "content": pl.Binary()})
    kept = pl.Schema(dict.fromkeys(KEPT, pl.String()))

    def __init__(
        self, spec: Records, base: Path, without: Collection[Path] = (), ours: Ours | None = None
    ) -> None:
        for name in _OF_TABLES:
            if getattr(spec, name) != Records.model_fields[name].default:
                hint = "the key of a document is its path" if name == "key" else "leave it out"
                many = any("*" in origin for origin in spec.origins)
                way_out = "rows come from one table" if many else how_to_translate(*spec.origins)
                hint += f"; this is no table; {way_out}"
                raise JobError(f"documents have no {name}", where=f"records.{name}", hint=hint)
        self.left: dict[str, str] = {}
        """files that are no record, and why"""
        entries = [named(text, base) for text in spec.origins]
        self.folder = Path(os.path.commonpath([os.path.realpath(entry.folder) for entry in entries]))
        self._files = self._found(entries, {os.path.realpath(path) for path in without})
        self._site = site_of(self.folder)
        if ours:
            self._leave(ours)
        if not self._files:
            hint = f"these can be: {', '.join(suffixes())}"
            names = ", ".join(spec.origins)
            raise JobError(f"there is no document: {self._left_out() or names}", where=FROM, hint=hint)
        self._contexts = contexts(self.folder, (file.path for file in self._files), lambda at: _read(at)[0])
        found = len(self._files)
        self._rows = self._chosen(spec.where)
        kept = len(self._rows)
        self.choose(spec.sample, spec.limit)
        self.chosen = part_of(spec, kept, self.total())
        self.told = self._told(found)
        """what was found, in a sentence"""

    def total(self) -> int:
        """How many records there are, after where, sample and limit."""
        return len(self._rows)

    def at(self, row: int) -> str:
        """Where the record of this row stands: its file."""
        return str(self._files[row - 1].place)

    def places(self) -> Iterator[Path]:
        """The files of all records."""
        return (self._files[row - 1].place for row in self._rows)

    def everything(self) -> Iterator[Path]:
        """The files of all documents, also of those that are not chosen."""
        return (file.place for file in self._files)

    def all_fields(self) -> Iterator[dict[str, str]]:
        """The fields of all documents, also of those that are not chosen, without their content."""
        return (file.fields for file in self._files)

    def known(self) -> Iterator[Record]:
        """The records without their content."""
        for row in self._rows:
            file = self._files[row - 1]
            context = self._contexts[PurePosixPath(file.path).parent.as_posix()]
            fields = {**file.fields, "site": self._site, "context": context, "content": b""}
            yield Record(file.path, fields, row)

    def batches(self, size: int = 512) -> Iterator[list[Record]]:
        """The records, one at a time whatever `size` says: no two documents have to be in memory at once."""
        for record in self.known():
            content = _content(self._files[record.row - 1])
            yield [Record(record.key, {**record.fields, "content": content}, record.row)]

    def choose(self, sample: Sample | None, limit: int | None) -> None:
        """Keep a sample, then at most `limit` records; the sample is drawn as that of rows is."""
        if sample is not None:
            rows = drawn(((self._files[row - 1].path, row) for row in self._rows), sample)
            self._rows = [row for row in self._rows if row in rows]
        if limit is not None:
            self._rows = self._rows[:limit]

    def no_numbers(self) -> tuple[()]:
        """None: what a document has beside its text is no number."""
        return ()

    def _chosen(self, condition: str | None) -> list[int]:
        if condition is None:
            return list(range(1, len(self._files) + 1))
        schema = pl.Schema(dict.fromkeys(FIELDS, pl.String()))
        frame = pl.DataFrame([file.fields for file in self._files], schema).with_row_index(_ROW, offset=1)
        return chosen(frame.lazy(), schema, condition).collect()[_ROW].to_list()

    def _found(self, entries: list[Named], without: set[str]) -> list[_File]:
        found: dict[str, _File] = {}
        for entry in entries:
            folder = Path(os.path.realpath(entry.folder))
            for inside in below(entry, without):
                place = folder / inside
                path = place.relative_to(self.folder).as_posix()
                if path in found:
                    continue
                if place.name == NAME:
                    self.left[path] = WHY
                    continue
                try:
                    found[path] = _looked_at(path, place)
                except InputError as error:
                    if entry.file:
                        raise
                    self.left[path] = error.what
        return [found[path] for path in sorted(found)]

    def _leave(self, ours: Ours) -> None:
        """Leave out what the job writes for another document."""
        places = {str(file.place): file for file in self._files}
        for file in self._files:
            for path in ours(file.fields):
                other = places.get(os.path.realpath(path), file)
                if other is not file:
                    self.left[other.path] = "a translation that this job writes"
        self._files = [file for file in self._files if file.path not in self.left]

    def _told(self, found: int) -> str:
        formats = Counter(file.format for file in self._files)
        said = ", ".join(f"{count:,} {name}" for name, count in sorted(formats.items()))
        left = self._left_out()
        return f"{counted(found, 'document')} found: {said}" + (f"; left out: {left}" if left else "")

    def _left_out(self) -> str:
        why = Counter(self.left.values())
        return ", ".join(f"{counted(count, 'file')} ({what})" for what, count in why.most_common(5))


def _looked_at(path: str, place: Path) -> _File:
    """The file with its state and format; `InputError` for one that is no document or cannot be read."""
    try:
        path.encode()
    except UnicodeEncodeError:
        raise InputError("a name that is not UTF-8", where=str(place), hint="rename the file") from None
    if place.suffix.lower() not in suffixes():
        format_of(path, b"")  # it says why no format reads such a file
    content, state = _read(place)
    if content.startswith(_JOB_FILE):
        raise InputError("a job file", where=str(place), hint="name the documents")
    return _File(path, place, state, format_of(path, content))


def _content(file: _File) -> bytes:
    content, state = _read(file.place)
    if state != file.state:
        what = "the document was changed while the job ran"
        hint = "run the same command again; answers that were paid for are kept"
        raise InputError(what, where=str(file.place), hint=hint)
    return content


def _read(place: Path) -> tuple[bytes, tuple[int, int, int]]:
    """The bytes of a file, and by what it is told from a changed one."""
    try:
        with os.fdopen(os.open(place, _FLAGS), "rb") as stream:
            before = os.fstat(stream.fileno())
            if not stat.S_ISREG(before.st_mode):
                raise InputError("this is not a file", where=str(place), hint="name files and folders alone")
            if before.st_size > LARGEST:
                what = f"a document is at most {LARGEST >> 20} MiB large"
                raise InputError(what, where=str(place), hint="divide it")
            content = stream.read(LARGEST)
            after = os.fstat(stream.fileno())
    except OSError as error:
        said = (error.strerror or "it cannot be opened").lower()
        hint = "check the file and its permissions"
        raise InputError(f"the document cannot be read: {said}", where=str(place), hint=hint) from None
    return content, (len(content), after.st_mtime_ns, after.st_ino)
