"""A walk -> the result's table, the files of its rows, the table of failed rows, and a receipt of them.

All of them are written to temporary files first, and moved into place when all are complete.
This module does not know where the look-up takes its answers from.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import AsyncIterator, Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext, suppress
from functools import partial
from pathlib import Path
from typing import Any

import polars as pl

from pipeline.core.domain import Billed, Fault, LookUp, Record
from pipeline.core.errors import DiskError
from pipeline.core.progress import Progress
from pipeline.engine.equal_prompts import EqualPrompts, Replay
from pipeline.engine.heap import settled_heap
from pipeline.engine.in_order import InOrder, records_at_once
from pipeline.engine.walk import Branch, context
from pipeline.journal import accounts
from pipeline.journal.database import mark
from pipeline.journal.journal import Journal
from pipeline.output.accepted import in_table, until_enough
from pipeline.output.folder import Filed, ResultFolder, taken
from pipeline.output.origins import Origins
from pipeline.output.overwrite import keep_theirs, upload
from pipeline.output.published import FAILURES
from pipeline.output.receipt import note_coming, rows_of, write_receipt
from pipeline.output.table import Table, Written
from pipeline.output.translated.filing import Filing as Translations
from pipeline.output.translated.judged import Judged
from pipeline.records.documents import Documents
from pipeline.runs.meaning.review import describe
from pipeline.runs.result import Commonest, Result
from pipeline.runs.reviewing.review import Reviewing
from pipeline.runs.session import Session


async def publish(
    session: Session,
    look_up: LookUp,
    journal: Journal,
    progress: Progress,
    *,
    only_complete: bool = False,
    exported: bool = False,
    without: Collection[str] = (),
    replay: Replay | None = None,
) -> Result | None:
    """Write every row in the order of the input to a temporary file, and move it into place when complete.

    With `only_complete`, a pending row means that nothing is written and None is returned (the rows are
    still counted to the end). Records with a key in `without` are left out. With `replay`, others walk them.
    """
    failures, equal, accept = _Failures(session), EqualPrompts(session.stages), session.job.accept
    review = Reviewing(session.job.folder, session.stages, session.hand)
    replay = replay or partial(_here, session, look_up)
    table, write = _table(session, journal, progress)
    with table, review, filing_of(session, without) as filing, settled_heap():
        async for found in until_enough(replay(_batches(session, without), equal), accept):
            leaves = found if only_complete and progress.pending else filing.settled(found)
            for status, rows in Counter(leaf.status for leaf in leaves).items():
                progress.count(status, rows)
            if only_complete and progress.pending:
                continue
            write(in_table(leaves, accept))
            for beside in (failures, review, filing):
                beside.note(leaves)
        if only_complete and progress.pending:
            return None
        counts = {name: getattr(progress, name) for name in ("ok", "failed", "skipped", "pending")}
        before = rows_of(session.job)
        placed = _put_in_place(session, table, filing, (failures, review), counts, exported)
    return Result(
        session.job.targets,
        **counts,
        **failures.said(),
        **review.said(),
        **placed,
        segments=filing.segments,
        meaning=_describe(session, filing, exported, look_up),
        chosen=session.source.chosen,
        rows_before=before if before > progress.rows else 0,
        sharing=equal.rows(),
        accept=accept,
        told=dict(progress.told.most_common()),
    )


def _here(
    session: Session, look_up: LookUp, batches: Iterator[list[Record]], equal: EqualPrompts
) -> AsyncIterator[list[Branch]]:
    """Walk the records in this process."""
    return InOrder(session.stages, equal.noting(look_up)).rows(batches)


def _table(
    session: Session, journal: Journal, progress: Progress
) -> tuple[Table, Callable[[Sequence[Branch]], None]]:
    """The table, and what writes rows into it and counts what soft checks say of them."""
    job, columns = session.job, session.columns
    safe = job.output.spreadsheet_safe
    table = Table(job.targets, columns.schema, own=job.folder, spreadsheet_safe=safe)
    origins = Origins(partial(accounts.behind, journal))
    progress.told.clear()

    def write(rows: Sequence[Branch]) -> None:
        table.write_columns(columns.of(rows, origins.of(rows) if columns.traced else ()))
        progress.told.update(one.check for row in rows for one in row.soft)

    return table, write


def _put_in_place(
    session: Session,
    table: Table,
    filing: Filing | Translations,
    beside: tuple[_Failures, Reviewing],
    counts: Mapping[str, int],
    exported: bool,
) -> dict[str, Any]:
    """Move everything into place, and write the receipt; what a `Result` says of it."""
    job = session.job
    filing.complete()
    written = table.complete()
    read_from = mark(job.folder / "journal.sqlite")
    with filing.alone():
        kept = keep_theirs(job, written)
        with suppress(DiskError) if exported else nullcontext():  # the job's folder may be read-only
            note_coming(job, written)
        table.move()
        filed = filing.publish()
        failures, review = beside
        failed = failures.publish(job.folder / FAILURES)
        with suppress(DiskError) if exported else nullcontext():
            review.publish()
        with suppress(DiskError) if exported else nullcontext():
            write_receipt(job, counts, [*written, *failed], filed, read_from, session.source.chosen)
        there = tuple(job.uploads.values())
        return {"kept": (*kept, *upload(job, written)), "filed": filed, "uploaded": there}


def _describe(
    session: Session, filing: Filing | Translations, exported: bool, look_up: LookUp
) -> Judged | None:
    """Write what is made of the ledger of documents, where there is one."""
    if filing.segments:
        with suppress(DiskError) if exported else nullcontext():
            return describe(session, filing.segments, look_up)
    return None


def _batches(session: Session, keys: Collection[str]) -> Iterator[list[Record]]:
    """The records without these keys, in batches that do not have too many rows."""
    batches = session.source.batches(records_at_once(session.stages))
    if not keys:
        return batches
    return ([record for record in batch if record.key not in keys] for batch in batches)


def filing_of(session: Session, without: Collection[str] = ()) -> Filing | Translations:
    """What writes the files of a job's rows; records with a key in `without` are left out."""
    if session.tree and isinstance(session.source, Documents):
        return Translations(session.job, session.tree, session.source, session.policy, without)
    return Filing(session)


class Filing:
    """Writes the files of the rows that are ok; does nothing where the job wants none."""

    segments = None

    def __init__(self, session: Session) -> None:
        self._row_files, job = session.row_files, session.job
        self._state = job.folder
        self._result_folder: ResultFolder | None = None
        if files := self._row_files:
            self._result_folder = ResultFolder(files.folder, job.folder, job.root, named=files.named)

    def __enter__(self) -> Filing:
        return self

    def __exit__(self, *_: object) -> None:
        if self._result_folder:
            self._result_folder.close()

    def settled(self, leaves: list[Branch]) -> list[Branch]:
        """The leaves as they are: whether a row is ok is known already."""
        return leaves

    def note(self, leaves: Iterable[Branch]) -> None:
        """Write the temporary files of those rows that get a file."""
        if self._result_folder is None or self._row_files is None:
            return
        for leaf in (leaf for leaf in leaves if leaf.status == "ok"):
            path, key = self._row_files.path(context(leaf)), leaf.record.key
            try:
                self._result_folder.put(path, key, self._row_files.content(leaf))
            except Fault as fault:
                self._result_folder.keep(path, key, fault.message)

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Hold off other commands that publish the same job."""
        lock = -1 if self._result_folder else taken(self._state)  # the folder of results has it already
        try:
            yield
        finally:
            if lock >= 0:
                os.close(lock)

    def complete(self) -> None:
        """Sync the temporary files, so that they can be moved."""
        if self._result_folder:
            self._result_folder.complete()

    def publish(self) -> Filed | None:
        """Move the files into place; gives what the folder holds now."""
        return self._result_folder.publish() if self._result_folder else None


class _Failures:
    """The failed rows with their reasons; there are few, or the run stops."""

    def __init__(self, session: Session) -> None:
        self._stages = session.stages
        self._safe = session.job.output.spreadsheet_safe
        self._each = [name for stage in session.stages for name in stage.spec.forks]
        self._rows: list[tuple[str | None, ...]] = []
        self.reasons: Counter[str] = Counter()
        self._of_step: dict[str, Counter[tuple[str, str]]] = {
            stage.spec.name: Counter() for stage in self._stages
        }
        """by step: how often each kind and message came"""
        self.paid = 0
        self._path: Path | None = None

    def note(self, leaves: Iterable[Branch]) -> None:
        for leaf in leaves:
            if leaf.fault is None or leaf.status != "failed":
                continue
            each = [None if name not in leaf.values else str(leaf.values[name]) for name in self._each]
            step, fault = self._stages[leaf.at].spec.name, leaf.fault
            reason = (step, fault.kind, fault.message, fault.billed.value)
            self.reasons[fault.kind] += 1
            self._of_step[step][fault.kind, fault.message] += 1
            self.paid += fault.billed is Billed.YES
            self._rows.append((leaf.record.key, *each, *reason))

    def said(self) -> dict[str, Any]:
        """What a `Result` says of them."""
        return {
            "failures": self._path,
            "reasons": dict(self.reasons.most_common()),
            "commonest": tuple(self._commonest()),
            "paid_failures": self.paid,
        }

    def _commonest(self) -> Iterator[Commonest]:
        for step, found in self._of_step.items():
            if not found:
                continue
            kinds: Counter[str] = Counter()
            for (kind, _), count in found.items():
                kinds[kind] += count
            ((kind, count),) = kinds.most_common(1)
            message, alike = next((said, n) for (of, said), n in found.most_common() if of == kind)
            yield Commonest(step, found.total(), kind, count, message, alike)

    def publish(self, path: Path) -> list[Written]:
        """Write the failed rows, or remove an earlier run's file; the written file, if there is one."""
        if not self._rows:
            if path.exists() or path.is_symlink():  # on a read-only disk even that of a missing file fails
                path.unlink(missing_ok=True)  # another export may have done it
            return []
        if path.is_symlink():  # else its target would be written
            path.unlink(missing_ok=True)
        self._path = path
        names = ["key", *(f"each {name}" if name in _COLUMNS else name for name in self._each), *_COLUMNS]
        schema = pl.Schema(dict.fromkeys(names, pl.String()))
        with Table([path], schema, own=path.parent, spreadsheet_safe=self._safe) as table:
            table.write(self._rows)
            return table.publish()


_COLUMNS = ("step", "kind", "message", "billed")
