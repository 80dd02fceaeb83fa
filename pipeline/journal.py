"""The journal: every reply that was ever paid for, under the digest of the request that bought it.

One SQLite file a job (WAL, synchronous=FULL), written by one thread that commits in groups: whatever
waits when a commit begins goes into it. A reply is on the disk before `record` returns. Attempts that
failed are kept too, with what they may have cost. Any SQLite tool can read it; the view `readable` shows
bodies as text.
This module does not read what a reply says and does not know who asked.
"""

from __future__ import annotations

import asyncio
import os
import sqlite3
import threading
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from queue import SimpleQueue
from typing import Any, TypeAlias

from pipeline.domain import Billed, Fate, Fault, Reply, Request
from pipeline.errors import DiskError

VERSION = 1
_GROUP = 500
_GATHER = 0.005
"""seconds that a commit waits for company; nothing beside the seconds of a model, and a third of the CPU"""
_SCHEMA = """
CREATE TABLE attempts (
    seq     INTEGER PRIMARY KEY,
    digest  BLOB NOT NULL,     -- SHA-256 of api and request body
    outcome TEXT NOT NULL,     -- 'answered', 'superseded' (asked again), or the kind of fault
    billed  TEXT NOT NULL,     -- yes, no or maybe
    fate    TEXT NOT NULL,     -- '' for an answer; retry, fail or stop for a fault
    message TEXT NOT NULL,     -- what went wrong
    api     TEXT NOT NULL,     -- the dialect of the body
    model   TEXT NOT NULL,     -- the model that was asked
    step    TEXT NOT NULL,     -- the step and the record that asked first
    record  TEXT NOT NULL,
    at      REAL NOT NULL,     -- Unix time, seconds
    seconds REAL NOT NULL,     -- how long the call took
    body    BLOB NOT NULL      -- the reply as it came
);
CREATE INDEX attempts_by_digest ON attempts (digest);
CREATE TABLE runs (started REAL NOT NULL, job BLOB NOT NULL, ended REAL, outcome TEXT);
CREATE VIEW readable AS
    SELECT seq, lower(hex(digest)) AS digest, outcome, billed, message, model, step, record,
           datetime(at, 'unixepoch') AS at, seconds, CAST(body AS TEXT) AS body FROM attempts;
PRAGMA user_version = 1;
"""
_INSERT = "INSERT INTO attempts VALUES (NULL, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
_VOID = (
    "UPDATE attempts SET outcome = ?, billed = 'maybe', fate = 'retry', message = ?"
    " WHERE digest = ? AND outcome = 'answered'"
)

_Work: TypeAlias = "tuple[str, tuple[Any, ...], asyncio.Future[None] | None]"


@dataclass(frozen=True, slots=True)
class LastRun:
    """The run before this one: the digest of its job, and how it ended ('' where it was killed)."""

    job: bytes
    outcome: str


class Journal:
    """Open with `Journal.open`; used from one event loop, closed with `close`."""

    def __init__(self, path: Path, reader: sqlite3.Connection) -> None:
        self.path = path
        self._reader = reader
        self._queue: SimpleQueue[_Work | None] = SimpleQueue()
        self._writer: threading.Thread | None = None
        self._broken: DiskError | None = None

    @classmethod
    def open(cls, path: Path) -> Journal:
        """The journal at `path`, made where there is none. `DiskError` where it cannot be trusted."""
        made = not path.exists()
        if made:
            os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))
        journal = cls(path, _connect(path))
        journal._writer = threading.Thread(target=journal._write, name="journal", daemon=True)
        journal._writer.start()
        return journal

    @classmethod
    def read_only(cls, path: Path) -> Journal:
        """The journal at `path` for looking things up; an empty one where there is none."""
        if path.exists():
            return cls(path, _connect(path))
        empty = sqlite3.connect(":memory:")
        empty.executescript(_SCHEMA)
        return cls(path, empty)

    def find(self, digest: bytes) -> Reply | None:
        """The reply that was paid for under this digest, if any; the latest of several."""
        row = self._reader.execute(
            "SELECT api, body, seconds FROM attempts WHERE digest = ? AND outcome = 'answered'"
            " ORDER BY seq DESC LIMIT 1",
            (digest,),
        ).fetchone()
        return Reply(*row) if row else None

    def last_fault(self, digest: bytes) -> Fault | None:
        """How the last attempt at a request failed; None where it was never tried."""
        row = self._reader.execute(
            "SELECT outcome, message, fate, billed FROM attempts WHERE digest = ? AND fate <> ''"
            " ORDER BY seq DESC LIMIT 1",
            (digest,),
        ).fetchone()
        return Fault(row[0], row[1], fate=Fate(row[2]), billed=Billed(row[3])) if row else None

    def is_empty(self) -> bool:
        """Whether no answer was ever recorded."""
        return (
            self._reader.execute("SELECT 1 FROM attempts WHERE outcome = 'answered' LIMIT 1").fetchone()
            is None
        )

    def counts(self) -> list[tuple[str, str, int, float]]:
        """(step, outcome, attempts, mean seconds) of everything in it, for `status`."""
        return self._reader.execute(
            "SELECT step, outcome, count(*), avg(seconds) FROM attempts GROUP BY 1, 2 ORDER BY 1, 3 DESC"
        ).fetchall()

    async def record(self, request: Request, reply: Reply) -> None:
        """Keep a reply; returns when it is on the disk. `DiskError` where it cannot be."""
        row = _row(request, "answered", Billed.YES, "", "", reply.seconds, reply.body)
        await self._commit(_INSERT, row)

    async def void(self, request: Request, fault: Fault) -> None:
        """Say of a recorded reply that it answers nothing: it is kept, its request counts as unanswered."""
        await self._commit(_VOID, (fault.kind, _text(fault.message), request.digest))

    async def supersede(self, request: Request) -> None:
        """Let a paid answer stand back, so that its request is asked again; it is kept."""
        sql = "UPDATE attempts SET outcome = 'superseded' WHERE digest = ? AND outcome = 'answered'"
        await self._commit(sql, (request.digest,))

    def note(self, request: Request, fault: Fault, seconds: float) -> None:
        """Keep a failed attempt; does not wait for the disk."""
        row = _row(request, fault.kind, fault.billed, fault.fate.value, fault.message, seconds, fault.body)
        self._queue.put((_INSERT, row, None))

    async def settle(self) -> None:
        """Return when everything noted so far is on the disk."""
        await self._commit("SELECT 1", ())

    def last_run(self) -> LastRun | None:
        """The latest run, None for the first one."""
        row = self._reader.execute(
            "SELECT job, ended, outcome FROM runs ORDER BY rowid DESC LIMIT 1"
        ).fetchone()
        return LastRun(row[0], row[2] or "") if row else None

    def begin_run(self, job: bytes) -> None:
        """Note that a run of the job with this digest begins."""
        self._queue.put(("INSERT INTO runs VALUES (?, ?, NULL, NULL)", (time.time(), job), None))

    def end_run(self, outcome: str) -> None:
        """Note how the latest run ended."""
        sql = "UPDATE runs SET ended = ?, outcome = ? WHERE rowid = (SELECT max(rowid) FROM runs)"
        self._queue.put((sql, (time.time(), outcome), None))

    async def _commit(self, sql: str, row: tuple[Any, ...]) -> None:
        if self._broken:
            raise self._broken
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._queue.put((sql, row, done))
        await done

    def close(self) -> None:
        """Write what waits and close the file."""
        if self._writer:
            self._queue.put(None)
            self._writer.join()
        self._reader.close()

    def _write(self) -> None:
        """The writer thread: one commit for all that waits, then one message to the event loop."""
        connection = _connect(self.path)
        going_on = True
        while going_on:
            work: list[_Work] = []
            item = self._queue.get()
            time.sleep(_GATHER)
            while item is not None:
                work.append(item)
                if len(work) >= _GROUP or self._queue.empty():
                    break
                item = self._queue.get()
            going_on = item is not None
            error = self._broken or _execute(connection, work)
            self._broken = error
            futures = [done for _, _, done in work if done is not None]
            if futures:
                with suppress(RuntimeError):  # the loop is gone, and nobody waits
                    futures[0].get_loop().call_soon_threadsafe(_settle, futures, error)
        connection.close()


def _settle(futures: list[asyncio.Future[None]], error: DiskError | None) -> None:
    for future in futures:
        if future.done():
            continue
        if error:
            future.set_exception(error)
        else:
            future.set_result(None)


def _execute(connection: sqlite3.Connection, work: list[_Work]) -> DiskError | None:
    try:
        connection.execute("BEGIN IMMEDIATE")
        for sql, row, _ in work:
            connection.execute(sql, row)
        connection.execute("COMMIT")
    except Exception as error:  # whatever it is: a writer that dies would leave all others waiting
        hint = "free space, then run the same command: what was committed is safe"
        return DiskError(f"the journal cannot be written: {error}", hint=hint)
    return None


def _row(
    request: Request, outcome: str, billed: Billed, fate: str, message: str, seconds: float, body: bytes
) -> tuple[Any, ...]:
    said = (_text(word) for word in (message, request.api, request.model, request.step, request.key))
    return (request.digest, outcome, billed.value, fate, *said, time.time(), seconds, body)


def _text(words: str) -> str:
    """Words as SQLite takes them: a server may send lone surrogates, which UTF-8 cannot hold."""
    return words.encode("utf-8", "replace").decode()


def _connect(path: Path) -> sqlite3.Connection:
    """A connection that commits for good, with the schema made or its version checked."""
    try:
        connection = sqlite3.connect(path, isolation_level=None, timeout=30)
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = FULL")
        version = connection.execute("PRAGMA user_version").fetchone()[0]
        if version == 0:
            connection.executescript(f"BEGIN IMMEDIATE;{_SCHEMA}COMMIT;")
    except sqlite3.Error as error:
        hint = "put back a copy of it, or move it away: then every answer is asked for, and paid for, again"
        raise DiskError(f"the journal cannot be opened: {error}", where=str(path), hint=hint) from None
    if version > VERSION:
        what = f"the journal has version {version}, and this program knows {VERSION}"
        raise DiskError(what, where=str(path), hint="use the newer program that wrote it")
    return connection
