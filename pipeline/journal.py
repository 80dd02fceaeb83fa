"""The journal: every reply that was ever paid for, under the digest of the request that bought it.

One SQLite file a job (WAL, synchronous=FULL), written by one thread (`commits.py`). A reply is on the
disk before `record` returns. Attempts that failed are kept too, with what they may have cost. Any SQLite
tool can read it; the view `readable` shows bodies as text.
This module does not read what a reply says and does not know who asked.
"""

from __future__ import annotations

import os
import sqlite3
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

from pipeline.commits import LOCK_SECONDS, Commits
from pipeline.domain import Billed, Fate, Fault, Reply, Request
from pipeline.errors import DiskError

VERSION = 1
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


@dataclass(frozen=True, slots=True)
class LastRun:
    """The run before this one: the digest of its job, and how it ended ('' where it was killed)."""

    job: bytes
    outcome: str


class Journal:
    """Open with `Journal.open`; used from one event loop, closed with `close`."""

    def __init__(self, path: Path, reader: sqlite3.Connection, commits: Commits | None = None) -> None:
        self.path = path
        self._reader = reader
        self._commits = commits

    @classmethod
    def open(cls, path: Path) -> Journal:
        """The journal at `path`, made where there is none. `DiskError` where it cannot be trusted."""
        try:
            os.close(os.open(path, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600))
        except OSError as error:
            raise DiskError(f"cannot be written: {error.strerror}", where=str(path)) from None
        reader = _connect(path)
        return cls(path, reader, Commits(path, _connect))

    @classmethod
    def read_only(cls, path: Path) -> Journal:
        """The journal at `path` for looking things up, also on a disk that cannot be written; an empty

        one where there is none.
        """
        if path.exists():
            return cls(path, _connect_to_read(path))
        empty = sqlite3.connect(":memory:")
        empty.executescript(_SCHEMA)
        return cls(path, empty)

    def find(self, digest: bytes) -> Reply | None:
        """The reply that was paid for under this digest, if any; the latest of several."""
        rows = self._select(
            "SELECT api, body, seconds FROM attempts WHERE digest = ? AND outcome = 'answered'"
            " ORDER BY seq DESC LIMIT 1",
            (digest,),
        )
        return Reply(*rows[0]) if rows else None

    def last_fault(self, digest: bytes) -> Fault | None:
        """How the last attempt at a request failed; None where it was never tried."""
        rows = self._select(
            "SELECT outcome, message, fate, billed FROM attempts WHERE digest = ? AND fate <> ''"
            " ORDER BY seq DESC LIMIT 1",
            (digest,),
        )
        for kind, message, fate, billed in rows:
            return Fault(kind, message, fate=Fate(fate), billed=Billed(billed))
        return None

    def is_empty(self) -> bool:
        """Whether nothing was ever asked."""
        return not self._select("SELECT 1 FROM attempts LIMIT 1")

    def counts(self) -> list[tuple[str, str, int, float]]:
        """(step, outcome, attempts, mean seconds) of everything in it, for `status`."""
        return self._select(
            "SELECT step, outcome, count(*), avg(seconds) FROM attempts GROUP BY 1, 2 ORDER BY 1, 3 DESC"
        )

    def _select(self, sql: str, values: tuple[Any, ...] = ()) -> list[Any]:
        try:
            return self._reader.execute(sql, values).fetchall()
        except sqlite3.Error as error:
            raise DiskError(f"the journal is damaged: {error}", where=str(self.path), hint=_HINT) from None

    async def record(self, request: Request, reply: Reply) -> None:
        """Keep a reply; returns when it is on the disk. `DiskError` where it cannot be."""
        row = _row(request, "answered", Billed.YES, "", "", reply.seconds, reply.body)
        await self._writer.commit(_INSERT, row)

    async def void(self, request: Request, fault: Fault) -> None:
        """Say of a recorded reply that it answers nothing: it is kept, its request counts as unanswered."""
        await self._writer.commit(_VOID, (fault.kind, _text(fault.message), request.digest))

    async def supersede(self, request: Request) -> None:
        """Let what was paid for stand back, so that its request is asked again; it is kept."""
        sql = (
            "UPDATE attempts SET outcome = 'superseded', fate = ''"
            " WHERE digest = ? AND (outcome = 'answered' OR billed = 'yes')"
        )
        await self._writer.commit(sql, (request.digest,))

    def note(self, request: Request, fault: Fault, seconds: float) -> None:
        """Keep a failed attempt; does not wait for the disk."""
        row = _row(request, fault.kind, fault.billed, fault.fate.value, fault.message, seconds, fault.body)
        self._writer.put(_INSERT, row)

    async def settle(self) -> None:
        """Return when everything noted so far is on the disk."""
        await self._writer.commit("SELECT 1", ())

    def last_run(self) -> LastRun | None:
        """The latest run, None for the first one."""
        row = self._reader.execute(
            "SELECT job, ended, outcome FROM runs ORDER BY rowid DESC LIMIT 1"
        ).fetchone()
        return LastRun(row[0], row[2] or "") if row else None

    def begin_run(self, job: bytes) -> None:
        """Note that a run of the job with this digest begins."""
        self._writer.put("INSERT INTO runs VALUES (?, ?, NULL, NULL)", (time.time(), job))

    def end_run(self, outcome: str) -> None:
        """Note how the latest run ended."""
        sql = "UPDATE runs SET ended = ?, outcome = ? WHERE rowid = (SELECT max(rowid) FROM runs)"
        self._writer.put(sql, (time.time(), outcome))

    @property
    def _writer(self) -> Commits:
        assert self._commits is not None  # noqa: S101 - nobody writes into a journal opened to be read
        return self._commits

    def close(self) -> None:
        """Write what waits and close the file."""
        if self._commits:
            self._commits.close()
        self._reader.close()


def _row(
    request: Request, outcome: str, billed: Billed, fate: str, message: str, seconds: float, body: bytes
) -> tuple[Any, ...]:
    said = (_text(word) for word in (message, request.api, request.model, request.step, request.key))
    return (request.digest, outcome, billed.value, fate, *said, time.time(), seconds, body)


def _text(words: str) -> str:
    """Words as SQLite takes them: a server may send lone surrogates, which UTF-8 cannot hold."""
    return words.encode("utf-8", "replace").decode()


_HINT = "put back a copy of it, or move it away: then every answer is asked for, and paid for, again"


def _connect(path: Path) -> sqlite3.Connection:
    """A connection that commits for good, with the schema made or its version checked."""
    try:
        connection = sqlite3.connect(path, isolation_level=None, timeout=LOCK_SECONDS)
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = FULL")
        if _version(connection) == 0:
            connection.executescript(f"BEGIN IMMEDIATE;{_SCHEMA}COMMIT;")
    except sqlite3.Error as error:
        raise DiskError(f"the journal cannot be opened: {error}", where=str(path), hint=_HINT) from None
    return _checked(connection, path)


def _connect_to_read(path: Path) -> sqlite3.Connection:
    """A connection that changes nothing, not even beside the file where that is impossible."""
    for mode in ("mode=ro", "immutable=1"):
        connection = sqlite3.connect(f"file:{quote(str(path))}?{mode}", uri=True, timeout=LOCK_SECONDS)
        try:
            version = _version(connection)
        except sqlite3.OperationalError:
            connection.close()
            continue
        except sqlite3.Error as error:
            raise DiskError(f"the journal cannot be read: {error}", where=str(path), hint=_HINT) from None
        if version == 0:  # a run was killed before it made the tables
            connection = sqlite3.connect(":memory:")
            connection.executescript(_SCHEMA)
        return _checked(connection, path)
    raise DiskError("the journal cannot be read", where=str(path), hint=_HINT)


def _version(connection: sqlite3.Connection) -> int:
    return int(connection.execute("PRAGMA user_version").fetchone()[0])


def _checked(connection: sqlite3.Connection, path: Path) -> sqlite3.Connection:
    version = _version(connection)
    if version != VERSION:
        what = f"the journal has version {version}, and this program knows {VERSION}"
        raise DiskError(
            what, where=str(path), hint="use the program that wrote it; a newer program may be needed"
        )
    return connection
