"""The files of the rows that a job asks for: the name of each file, and its content.

A name is made of values that are known before anything is sent, so two rows that would share a file are
found before, too. This module does not write files (`folder.py`).
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import partial
from hashlib import blake2b
from itertools import product
from pathlib import Path

import polars as pl

from pipeline.core.domain import Fault, Record, Values
from pipeline.core.dtypes import cell_text
from pipeline.core.errors import InputError, JobError, PipelineError
from pipeline.core.redaction import redacted
from pipeline.core.suggest import nearest
from pipeline.engine.stages import Stage
from pipeline.engine.walk import Branch, context
from pipeline.job.files import Files
from pipeline.job.spec import Job
from pipeline.records.documents import Documents
from pipeline.records.source import Source
from pipeline.system.file_names import safe_name
from pipeline.templates.template import Prepare, Template

_HERE = ("output", "files")


class RowFiles:
    """The files of a job's rows: `path` and `content` say what they are, the rest checks the job."""

    def __init__(self, job: Job, spec: Files, stages: Sequence[Stage], prepare: Prepare) -> None:
        self._job, self._spec = job, spec
        self._steps = [stage.spec.name for stage in stages]
        self._each = {name: values for stage in stages for name, values in stage.spec.forks.items()}
        self._text = job.text
        # Jinja drops a newline at the end of a template: it is given one more
        locate = partial(self._text.inside, (*_HERE, "text"))
        self.template = Template(f"{spec.text}\n", locate, prepare).compiled()

    @classmethod
    def of(cls, job: Job, stages: Sequence[Stage], prepare: Prepare) -> RowFiles | None:
        """The files that the job asks for; None where it asks for none. `JobError` for a bad template."""
        spec = job.output.files
        return None if spec is None else cls(job, spec, stages, prepare)

    @property
    def folder(self) -> Path:
        """The folder they go to."""
        return self._job.root / self._spec.to

    @property
    def named(self) -> bool:
        """Whether a name may be shown: nothing in it is private."""
        return set(self._job.records.private).isdisjoint(self._spec.name)

    def path(self, values: Values) -> str:
        """The file of the row with these values, relative to the folder, with `/` between its parts.

        Different values give different files, also on a disk that does not tell upper from lower case, or
        one spelling of an accent from another. `InputError` where a value is empty.
        """
        parts = [self._part(name, cell_text(values[name])) for name in self._spec.name]
        return "/".join(parts) + self._spec.suffix

    def _part(self, name: str, text: str) -> str:
        if not text:
            raise InputError(f"'{name}' is empty, and would name a file")
        return safe_name(text)

    def content(self, leaf: Branch) -> bytes:
        """The text of a row that is ok; a `Fault` where its values do not fit the template."""
        try:
            text = self.template.render(context(leaf))
        except Fault as fault:
            raise redacted(fault, leaf.record.private) from None
        try:
            return text.encode()
        except UnicodeEncodeError:  # a lone surrogate, which UTF-8 cannot hold
            return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace").encode()

    def check_name(self, columns: Mapping[str, pl.DataType]) -> None:
        """Refuse a name that uses anything but the records' columns and the values of `each`."""
        known = [*columns, *self._each]
        for i, name in enumerate(self._spec.name):
            where = self._text.where((*_HERE, "name", i))
            if name not in known:
                step = name if name in self._steps else name.partition(".")[0]
                if step in self._steps:
                    what = f"a file cannot be named by the answer of a step ('{step}')"
                    early = "a file's name must be known before anything is sent"
                    raise JobError(what, where=where, hint=f"{early}: use one of {', '.join(known)}")
                hint = nearest(name, known) or f"known here: {', '.join(known)}"
                raise JobError(f"there is no column '{name}'", where=where, hint=hint)
            if name not in self._each and columns[name].is_nested():
                what = f"the column '{name}' is {columns[name]}, which cannot name a file"
                raise JobError(what, where=where)
        for name, values in self._each.items():
            where = self._text.where((*_HERE, "name"))
            if name not in self._spec.name and len(values) > 1:
                what = f"the rows of one record would share a file: their names do not contain '{name}'"
                raise JobError(what, where=where, hint=self._hint())
            if name in self._spec.name and len(set(map(cell_text, values))) < len(values):
                raise JobError(f"two values of '{name}' are the same, and would share a file", where=where)

    def check_folder(self, taken: Iterable[Path]) -> None:
        """Refuse a folder that holds, or is inside of, anything else: records, job file, state, table."""
        real, where = Path(os.path.realpath(self.folder)), self._text.where((*_HERE, "to"))
        if real.exists() and not real.is_dir():
            raise JobError(f"'{self._spec.to}' is a file; name a folder", where=where)
        for path in taken:
            for other in (Path(os.path.realpath(path)), Path(os.path.normpath(path))):
                if other.is_relative_to(real) or real.is_relative_to(other):
                    what = f"the folder for the rows' files must not also hold {path.name}"
                    raise JobError(what, where=where, hint="give them a folder of their own")

    def check(self, source: Source | Documents) -> None:
        """Raise for the first two rows that would share a file, and for one whose name is empty."""
        parts = [pl.Series([], dtype=pl.UInt64)]
        for batch in source.batches():
            paths = [path for record in batch for path in self._paths(record, source)]
            parts.append(pl.Series([_short(path) for path in paths], dtype=pl.UInt64))
        ordered = pl.concat(parts).sort()
        twice = set(ordered.filter(ordered == ordered.shift(1)))
        if not twice:
            return
        seen: dict[str, Record] = {}
        for batch in source.batches():
            for record in batch:
                for path in self._paths(record, source):
                    if path in seen:
                        raise self._shared(source, seen[path], record, path)
                    if _short(path) in twice:
                        seen[path] = record

    def paths(self, record: Record) -> Iterator[str]:
        """The files of a record's rows; `InputError` where it has no names for them."""
        each = [name for name in self._each if name in self._spec.name]
        for values in product(*(self._each[name] for name in each)):
            yield self.path({**record.fields, **dict(zip(each, values, strict=True))})

    def _paths(self, record: Record, source: Source | Documents) -> list[str]:
        try:
            return list(self.paths(record))
        except InputError as error:
            hint = "fill it, name the files by another column, or leave those rows out with `where`"
            where = f"{source.at(record.row)} (record {record.key})"
            raise InputError(error.what, where=where, hint=hint) from None

    def _shared(self, source: Source | Documents, one: Record, other: Record, path: str) -> PipelineError:
        both = " and ".join(f"{_named(record)} ({source.at(record.row)})" for record in (one, other))
        shown = f": {path}" if self.named else ""
        what = f"the records {both} would share a file{shown}"
        return InputError(what, where=self._text.where((*_HERE, "name")), hint=self._hint())

    def _hint(self) -> str:
        """What to do: add the key, which differs for each record, and the `each` values, for each row."""
        each = [name for name, values in self._each.items() if len(values) > 1]
        names = ", ".join([*each, *self._job.records.key])
        if self._job.records.key:
            return f"name the files by the key and every name in `each`: name: [{names}]"
        more = f", and {names}" if names else ""
        return f"name the files by columns that are different in every record{more}; or set records.key"


def _named(record: Record) -> str:
    return record.key if len(record.key) <= 60 else f"{record.key[:57]}..."


def _short(path: str) -> int:
    return int.from_bytes(blake2b(path.encode(), digest_size=8).digest())
