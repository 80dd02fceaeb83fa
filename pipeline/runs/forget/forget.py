"""Forgets a record: removes its answers from the journal and its rows from the results.

    the record of a key -> the files of its rows, events -> the results, without it -> the journal

Results are a replay, so they are written from the journal once more, without the record: nothing has to be
searched in them. The journal comes last: if `forget` is killed, or cannot write the results, a second
`forget` finds there what is left to do. An answer that another record shares stays, because it is that
record's answer, too.
This module prints nothing, and looks into no file that is not the job's own.
"""

from __future__ import annotations

import json
from contextlib import closing, suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import anyio

from pipeline.core.errors import InputError, JobError
from pipeline.job.spec import Job
from pipeline.journal import batches
from pipeline.journal.database import is_there
from pipeline.journal.erase import cleanse
from pipeline.journal.events import events_to
from pipeline.journal.journal import Journal
from pipeline.journal.spill import Spill
from pipeline.output import manifest, receipt, review
from pipeline.output.aside import remove_leftovers
from pipeline.output.overwrite import kept_beside
from pipeline.output.translated.derived import own_files
from pipeline.runs.forget.files import erase_files, erase_lines
from pipeline.runs.forget.meant import Meant, who_is_meant
from pipeline.runs.run import export_async
from pipeline.runs.session import OWN_NAMES
from pipeline.system.lock import locked


@dataclass
class Rewritten:
    """One result: the rows that it has now, or why it could not be written anew."""

    path: str
    rows: int = 0
    pending: int = 0  # those of its rows that have no answer in the journal
    trouble: str = ""
    removed: bool = False


@dataclass
class Forgotten:
    """What was removed, and what stays and why."""

    records: int = 0  # records of the input that the key names: the next run asks for them again
    attempts: int = 0
    shared: int = 0  # attempts that stay, because another record asks the same
    events: int = 0
    row_files: int = 0  # files of the record's rows
    spilled: int = 0  # damaged files of a reserve; their undamaged rows are in the journal by now
    tables: list[Rewritten] = field(default_factory=list)
    left: list[str] = field(default_factory=list)  # files that still hold something of the record
    kept: list[str] = field(default_factory=list)
    """tables that somebody had changed: they are kept under another name, with the record in them"""
    unsearched: list[str] = field(default_factory=list)
    """files in the job's folder that are not the job's own, so they were not searched"""
    notices: list[str] = field(default_factory=list)


def forget(job: Job, key: str, *, remove_results: bool = False) -> Forgotten:
    """Forget the record that this key names, or the digest shown for it.

    With `remove_results`, results that cannot be written anew are removed. `Locked` while a run is alive;
    `JobError` where nothing is known of such a record; `DiskError` where the journal cannot be written anew.
    """
    path = job.folder / "journal.sqlite"
    if not is_there(path):
        raise JobError("there is no journal yet, so there is nothing to forget", where=str(job.folder))
    with locked(job.folder):
        Journal.open(path).close()  # takes in rows from a reserve
        with closing(Journal.read_only(path)) as reader:
            if any(one.unfinished for one in batches.all_of(reader.select)):
                what = "batches are under way, with prompts of this job in them"
                hint = "run the job until they are collected, or end them: pipeline ctl JOB cancel"
                raise JobError(what, where=str(job.folder), hint=hint)
            meant = who_is_meant(job, key, reader)
        return _forgotten(job, path, meant, remove_results)


def _forgotten(job: Job, path: Path, meant: Meant, remove_results: bool) -> Forgotten:
    found = Forgotten(meant.records, notices=meant.notices)
    found.row_files, in_the_way = erase_files(job.folder, job.root, meant.names)
    found.left += map(str, in_the_way)
    review.erase(job.folder, meant.names)
    found.events = erase_lines(job.folder / "events.jsonl", partial(_is_named, meant.names))
    if not (meant.records or meant.digests or found.row_files or found.events):
        hint = "the key as it stands in the records; several columns as JSON: '[1, \"en\"]'"
        raise JobError("neither the records nor the journal have such a record", where="--key", hint=hint)
    found.spilled = _erase_spilled(path)
    if _write_results_anew(job, meant, found, remove_results):
        found.attempts, found.shared = cleanse(path, meant.digests, meant.names, meant.sharers, meant.shared)
    with events_to(job.folder / "events.jsonl") as events:  # the event does not say which record
        events.info("record.forgotten", attempts=found.attempts, events=found.events)
    beside = {path for target in job.targets for path in kept_beside(target)}
    found.unsearched = sorted({*map(str, {*_not_its_own(job), *beside})} - {*found.left})
    return found


def _is_named(names: set[str], line: bytes) -> bool:
    """Whether an event is about the record; a line that cannot be read is taken for one."""
    try:
        event = json.loads(line)
    except ValueError:
        return True
    return isinstance(event, dict) and event.get("key") in names


def _erase_spilled(path: Path) -> int:
    count = 0
    for folder in Spill(path).folders():
        with suppress(OSError):
            for file in folder.glob("*.damaged"):
                file.unlink()
                count += 1
    return count


def _write_results_anew(job: Job, meant: Meant, found: Forgotten, remove: bool) -> bool:
    """Export without the record, or remove the results where that cannot be; whether either was done."""
    failures = job.folder / "failures.csv"
    for path in (*job.targets, failures):
        remove_leftovers(path)
    there, about = [target for target in job.targets if target.exists()], own_files(job)
    try:
        if there or about:
            result = anyio.run(partial(export_async, job, without=meant.names))
            found.tables = [Rewritten(str(target), result.rows, result.pending) for target in result.targets]
            found.kept = list(map(str, result.kept))
            found.left += found.kept
            return True
    except (InputError, JobError) as error:
        found.tables = [Rewritten(str(target), trouble=str(error), removed=remove) for target in there]
    found.left += [table.path for table in found.tables if not table.removed]
    found.left += [] if remove else map(str, about)
    found.left += receipt.known_objects(job)  # nothing is removed from stores
    if (found.tables or about) and not remove:
        return False
    for path in (failures, job.folder / receipt.NAME, *there, *about):
        path.unlink(missing_ok=True)  # the next run writes all of them again
    return True


def _not_its_own(job: Job) -> list[Path]:
    folders = [job.root / name for name in manifest.folders(job.folder)]
    own = {*job.targets, *folders, *own_files(job), *(job.folder / name for name in OWN_NAMES)}
    files = (file for file in job.folder.rglob("*") if file.is_file())
    return sorted(file for file in files if own.isdisjoint((file, *file.parents)))
