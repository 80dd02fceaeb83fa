"""Checks a job from all sides before it costs anything: what is right, what is wrong, what to do.

Nothing is sent but one GET to each endpoint, which costs nothing; nothing is written. It works offline.
This module prints nothing.
"""

from __future__ import annotations

import platform
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

from pipeline.core import adapters
from pipeline.core.display import counted
from pipeline.core.errors import DiskError, JobError, KeyRefused, PipelineError, RunStopped
from pipeline.core.health import Check, bad, ok, warn
from pipeline.core.secret import cleansed_error, guarding
from pipeline.job.endpoints import places_of
from pipeline.job.spec import Job
from pipeline.journal.database import HINT, VERSION, connect_to_read, is_there, trusting
from pipeline.journal.spill import BALLAST, Spill
from pipeline.journal.verify import verify
from pipeline.providers import openai
from pipeline.runs.session import Session
from pipeline.system.lock import holder
from pipeline.system.resources import megabytes, of_folder, of_open_files, of_room

CODES = (JobError.exit_code, DiskError.exit_code, KeyRefused.exit_code, RunStopped.exit_code)
"""exit codes of bad checks; the first in this order that occurs is the command's"""
ANSWER = 4096  # bytes of a reply, assumed where none is known
ROW = 600  # bytes that a row of the journal has besides its reply


def exit_code(checks: list[Check]) -> int:
    """0 where nothing is bad; else 2, 74, 4 or 75, in this order."""
    codes = {check.code for check in checks if check.state == "bad"}
    return next((code for code in CODES if code in codes), 0)


def looked_at(load: Callable[[], Job], version: str) -> Iterator[Check]:
    """Every check of a job; `load` may raise what is wrong with its file. `version` is this program's."""
    said = f"pipeline {version}, Python {platform.python_version()}, SQLite {sqlite3.sqlite_version}"
    yield ok("program", said)
    try:
        job = load()
    except PipelineError as error:
        yield _wrong("job", error)
        return
    yield ok("job", f"{job.name}: {counted(len(job.steps), 'step')}, {counted(len(job.models), 'model')}")
    session: Session | None = None
    try:
        session = Session.open(job)
        yield ok("records", counted(session.source.total(), "record"))
    except PipelineError as error:
        yield _wrong("records", error)
    yield from of_folder(job.folder)
    answered, size = 0, float(ANSWER)
    path = job.folder / "journal.sqlite"
    try:
        yield from _of_journal(path)
        answered, size = _known(path)
    except DiskError as error:
        yield _wrong("journal", error)
    yield of_room(job.folder, _needed(job, session, answered, size))
    yield _of_lock(job)
    yield from _of_reserve(path)
    yield of_open_files(sum(model.limits.most_at_once for model in job.models.values()))
    yield from _of_models(job)


def _wrong(name: str, error: PipelineError) -> Check:
    where = f"{error.where}: " if error.where else ""
    hint = "\n".join(filter(None, [error.hint, *error.others()]))
    return bad(name, f"{where}{error.what}", hint, code=error.exit_code)


def _of_journal(path: Path) -> Iterator[Check]:
    if not is_there(path):
        yield ok("journal", "there is none yet")
        return
    verdict = verify(path, quick=True)
    size = megabytes(path.stat().st_size)
    said = f"{verdict.answered:,} answers in {verdict.rows:,} attempts, {size}"
    if verdict.pages or verdict.unreadable:
        yield bad("journal", f"{said}; damaged: {verdict.pages[0] if verdict.pages else ''}", HINT, code=74)
    elif not verdict.whole:
        hint = "they are not used, and the next run asks for them again; `pipeline journal verify` names them"
        wrong = len(verdict.damaged) + verdict.wrong_segments
        yield warn("journal", f"{said}; {wrong:,} rows do not match their checksums", hint)
    else:
        yield ok("journal", f"{said}; whole")
    with trusting(path), closing(connect_to_read(path)) as connection:
        version = connection.execute("PRAGMA user_version").fetchone()[0]
        sql = "SELECT count(*) FROM attempts WHERE input IS NULL AND billed = 'yes' AND outcome = 'answered'"
        uncounted = connection.execute(sql).fetchone()[0]
    if version < VERSION:
        yield ok("journal", f"it has version {version}; the next run makes version {VERSION} of it")
    if uncounted:
        yield ok("journal", f"{uncounted:,} answers are not counted yet; the next run counts them")


def _known(path: Path) -> tuple[int, float]:
    """How many answers there are, and how many bytes one has."""
    with trusting(path), closing(connect_to_read(path)) as connection:
        sql = "SELECT count(*), avg(length(body)) FROM attempts WHERE outcome = 'answered'"
        count, mean = connection.execute(sql).fetchone()
    return count, float(mean or ANSWER)


def _needed(job: Job, session: Session | None, answered: int, size: float) -> int:
    """Bytes for the coming answers in the journal, all answers in the results, and some reserve."""
    if session is None:
        return BALLAST
    requests, branches = 0, 1
    for step in job.steps:
        branches *= step.branches
        requests += branches
    total = session.source.total() * requests
    records = session.source.path.stat().st_size * branches if session.source.path else 0
    table = (total * size / 2 + records) * (len(job.targets) + (job.output.files is not None))
    return round(max(0, total - answered) * (size + ROW) * 1.3 + table + BALLAST)


def _of_lock(job: Job) -> Check:
    who = holder(job.folder)
    if who:
        return warn("lock", f"a run is alive ({who})", "wait for it, or end it: pipeline ctl JOB stop")
    return ok("lock", "no run is alive")


def _of_reserve(path: Path) -> Iterator[Check]:
    reserve = Spill(path)
    waiting = [(file, len(rows), damaged) for file, rows, damaged in reserve.spilled()]
    if waiting:
        rows = sum(count for _, count, _ in waiting)
        places = ", ".join(sorted({str(file.parent) for file, _, _ in waiting}))
        yield warn("reserve", f"{rows:,} answers wait in {places}", "the next run takes them in")
    damaged = [file for folder in reserve.folders() for file in _damaged(folder)]
    if damaged:
        hint = "what could be read of them is in the journal; you may delete them"
        yield warn("reserve", f"damaged lines are in {', '.join(map(str, damaged))}", hint)
    ballast = path.with_name("ballast")
    if path.exists() and not (ballast.exists() and ballast.stat().st_size >= BALLAST):
        said = "there is no ballast (a file that reserves room for a full disk)"
        yield warn("reserve", said, "make room on the disk: the next run makes the file again")
    elif not waiting and not damaged:
        yield ok("reserve", "nothing waits")


def _damaged(folder: Path) -> list[Path]:
    try:
        return sorted(folder.glob("*.damaged")) if folder.is_dir() else []
    except OSError:  # another user's folder
        return []


def _of_models(job: Job) -> Iterator[Check]:
    used = {name: model for step in job.steps for name, model in job.models_of(step).items()}
    places = [place.model for name, model in used.items() for place in places_of(name, model)]
    keys = [secret for model in places if model.provider == "openai" for secret in openai.secrets(model)]
    with guarding(*keys):
        for model in places:
            try:
                for check in adapters.load("providers", model.provider).health(model):
                    yield replace(check, said=cleansed_error(check.said), hint=cleansed_error(check.hint))
            except PipelineError as error:
                yield _wrong("key" if model.provider == "openai" else "model", error)
