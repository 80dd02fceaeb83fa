"""A record is forgotten: its answers go out of the journal, its rows out of the results, and it is proved.

    who is meant -> what it asked -> results, failures, events -> the journal -> is anything left?

The journal comes last: a `forget` that is killed finds there what it has to do, and does it again. What
another record asks, too, is that record's answer, and stays. A row of the result is removed, not emptied:
it carries the record's own columns, and an empty row would still tell whose it was.
This module prints nothing, and knows no file that is not the job's own.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import anyio

from pipeline.answers.shape import bare
from pipeline.core.domain import Fault, Record, Reply
from pipeline.core.dtypes import cell_text
from pipeline.core.errors import JobError, PipelineError
from pipeline.core.redaction import label
from pipeline.job.spec import Job
from pipeline.journal.database import connect
from pipeline.journal.erase import cleanse
from pipeline.journal.events import events_to
from pipeline.journal.journal import Journal
from pipeline.journal.spill import Spill
from pipeline.output.receipt import take_anew
from pipeline.output.table import remove_leftovers
from pipeline.runs.forget.erasing import Erased, Pattern, erase_files, erase_lines, erase_rows, table_text
from pipeline.runs.forget.searching import NotSearched, contents, files_of
from pipeline.runs.forget.sharing import noting, opened
from pipeline.runs.forget.traces import Traces
from pipeline.runs.session import Session
from pipeline.system.lock import locked
from pipeline.wire.conversation import read


@dataclass
class Forgotten:
    """What was removed, what stays and why, and what was looked for afterwards."""

    records: int = 0
    """records of the input that are meant: they are asked again by the next run"""
    attempts: int = 0
    shared: int = 0
    """attempts that stay, because another record asks the same"""
    tables: list[Erased] = field(default_factory=list)
    failures: int = 0
    events: int = 0
    pages: int = 0
    """files of its rows"""
    spilled: int = 0
    """damaged files of a reserve, whose whole rows are in the journal by now"""
    files: int = 0
    """files that were searched"""
    pieces: int = 0
    """pieces of the removed texts that were looked for"""
    short: int = 0
    """texts too short to be looked for"""
    common: int = 0
    """pieces that stand in answers or rows of other records, too"""
    left: list[str] = field(default_factory=list)
    """files in which something was found"""
    unsearched: list[str] = field(default_factory=list)
    """files that compress what is in them, and could not be opened"""
    notices: list[str] = field(default_factory=list)

    @property
    def rows(self) -> int:
        """Rows that went out of the results."""
        return sum(table.rows for table in self.tables)


def forget(job: Job, key: str) -> Forgotten:
    """Forget the record that this key names, or the digest shown for it.

    `Locked` while a run is alive; `JobError` where nothing is known of such a record; `DiskError` where the
    journal cannot be written anew.
    """
    path = job.folder / "journal.sqlite"
    if not path.exists():
        raise JobError("there is no journal yet, so there is nothing to forget", where=str(job.folder))
    with locked(job.folder):
        Journal.open(path).close()  # takes in what waits in a reserve
        return _Forgetting(job, path, key).done()


class _Forgetting:
    """One record of one job."""

    def __init__(self, job: Job, path: Path, key: str) -> None:
        self._job, self._path, self._key = job, path, key
        self._found = Forgotten()
        self._records: list[Record] = []
        self._sharers: dict[bytes, str] = {}
        """requests of the record that others ask, too, with the key of one of them"""
        self._names = {key, label(key)}
        self._digests: set[bytes] = set()
        self._traces = Traces()

    def done(self) -> Forgotten:
        """Do all of it."""
        found = self._found
        self._know()
        self._note_texts()
        found.records = len(self._records)
        for target in self._job.targets:
            remove_leftovers(target)
        found.tables = [
            erase_rows(target, self._patterns(), self._job.folder)
            for target in self._job.targets
            if target.exists()
        ]
        found.failures = self._erase_failures()
        found.pages, in_the_way = erase_files(self._job.folder, self._job.root, self._names)
        found.left += map(str, in_the_way)
        take_anew(self._job)
        found.events = erase_lines(self._job.folder / "events.jsonl", self._is_named)
        found.spilled = self._erase_spilled()
        found.attempts, found.shared = cleanse(self._path, self._digests, self._names, self._sharers)
        found_any = (
            found.records or found.attempts or found.shared or found.rows or found.events or found.pages
        )
        if not found_any:
            hint = "the key as it stands in the records; several columns as JSON: '[1, \"en\"]'"
            raise JobError("nothing is known of such a record", where="--key", hint=hint)
        self._note_event()
        self._search()
        return found

    def _know(self) -> None:
        """Find the record in the input, what it asks, and who asks the same."""
        session: Session | None = None
        try:
            session = opened(self._job, self._found.notices.append)
            self._find_records(session)
        except PipelineError as error:
            said = f"the records were not looked at ({error.what}); what stands under the key is forgotten"
            self._found.notices.append(said)
        reader = Journal.read_only(self._path)
        try:
            if session is not None:
                anyio.run(self._walk_own, session, reader)
            marks = ", ".join("?" * len(self._names))
            sql = f"SELECT DISTINCT digest FROM attempts WHERE record IN ({marks})"  # noqa: S608 - marks alone
            self._digests |= {digest for (digest,) in reader.select(sql, tuple(self._names))}
            if session is not None:
                anyio.run(self._walk_others, session, reader)
        finally:
            reader.close()

    def _find_records(self, session: Session) -> None:
        """Those the key names. A record without a key is its content: equal ones go together."""
        content = self._key.partition("#")[0]
        for batch in session.source.batches():
            for record in batch:
                name = record.key if self._job.records.key else record.key.partition("#")[0]
                if name in self._names or (not self._job.records.key and name == content):
                    self._records.append(record)
                    self._names.add(record.key)

    async def _walk_own(self, session: Session, reader: Journal) -> None:
        walk = noting(session, reader, self._digests.add)
        for record in self._records:
            await walk.leaves(record)

    async def _walk_others(self, session: Session, reader: Journal) -> None:
        asking = ""

        def note(digest: bytes) -> None:
            if digest in self._digests:
                self._sharers.setdefault(digest, asking)

        walk = noting(session, reader, note)
        for batch in session.source.batches():
            for record in batch:
                if record.key not in self._names:
                    asking = record.key
                    await walk.leaves(record)

    def _note_texts(self) -> None:
        """The texts that must not be found afterwards: those of the replies, and the private values."""
        for record in self._records:
            for value in record.private:
                self._traces.add(cell_text(value))
        with closing(connect(self._path)) as connection:
            for digest in self._digests - self._sharers.keys():
                sql = "SELECT api, body FROM attempts WHERE digest = ?"
                for api, body in connection.execute(sql, (digest,)):
                    with suppress(Fault):
                        answer = read(Reply(api, body))
                        self._note_answer(f"{answer.text}{answer.refusal}")

    def _note_answer(self, text: str) -> None:
        self._traces.add(text)
        with suppress(ValueError, RecursionError):
            self._traces.add_parts(json.loads(bare(text), object_pairs_hook=_values))

    def _patterns(self) -> Iterator[Pattern]:
        """How a table of results may tell which rows are meant."""
        yield Pattern(("_key",), ((name,) for name in self._names))
        names = self._job.records.key
        if names:
            cells = [[record.fields[name] for name in names] for record in self._records]
            if not cells and len(names) == 1:
                cells = [[self._key]]
            with suppress(ValueError):
                parts = json.loads(self._key) if len(names) > 1 else None
                cells += [parts] if isinstance(parts, list) and len(parts) == len(names) else []
            yield Pattern(names, cells)
        elif self._records:
            taken = {name for step in self._job.steps for name in step.each}
            columns = [name for name in self._records[0].fields if name not in taken]
            yield Pattern(columns, ([record.fields[name] for name in columns] for record in self._records))

    def _erase_failures(self) -> int:
        path = self._job.folder / "failures.csv"
        if not path.exists():
            return 0
        erased = erase_rows(path, [Pattern(("key",), ((name,) for name in self._names))], path.parent)
        if erased.trouble or not erased.kept.height:
            path.unlink()  # the next run writes it again
        return erased.rows

    def _note_event(self) -> None:
        """Say that something was forgotten, and not what."""
        with events_to(self._job.folder / "events.jsonl") as events:
            events.info("record.forgotten", rows=self._found.rows, events=self._found.events)

    def _is_named(self, line: bytes) -> bool:
        """Whether an event is about the record; a line that cannot be read is taken for one."""
        try:
            event = json.loads(line)
        except ValueError:
            return True
        return isinstance(event, dict) and event.get("key") in self._names

    def _erase_spilled(self) -> int:
        count = 0
        for folder in Spill(self._path).folders():
            with suppress(OSError):
                for file in folder.glob("*.damaged"):
                    file.unlink()
                    count += 1
        return count

    def _search(self) -> None:
        """Look for every piece in every file; what stands in answers and rows of others is theirs."""
        found, kept = self._found, [table.kept for table in self._found.tables if not table.trouble]
        tables = {table.path.resolve() for table in self._found.tables if not table.trouble}
        common = set(self._in_kept_answers())
        for frame in kept:
            common |= self._traces.found_in(table_text(frame))
        for file in files_of(self._job):
            found.files += 1
            try:
                if file.resolve() not in tables and self._traces.found_in(contents(file)) - common:
                    found.left.append(str(file))
            except NotSearched:
                found.unsearched.append(str(file))
        found.left += [str(table.path) for table in found.tables if table.trouble]
        found.pieces, found.short, found.common = len(self._traces.pieces), self._traces.short, len(common)

    def _in_kept_answers(self) -> Iterator[bytes]:
        with closing(sqlite3.connect(f"file:{self._path}?mode=ro", uri=True)) as connection:
            for piece, forms in self._traces.pieces.items():
                for form in forms:
                    sql = "SELECT 1 FROM attempts WHERE instr(body, ?) LIMIT 1"
                    if connection.execute(sql, (form,)).fetchone():
                        yield piece
                        break


def _values(pairs: list[tuple[str, Any]]) -> list[Any]:
    """All values of an object, also those that a second one stands for."""
    return [value for _, value in pairs]
