"""The journal's file: its tables, and connections that commit for good or that only read.

This module does not know what the rows mean.
"""

from __future__ import annotations

import random
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from hashlib import sha256
from pathlib import Path
from typing import Any
from urllib.parse import quote

from orjson import dumps

from pipeline.core.errors import DiskError
from pipeline.journal import batches
from pipeline.journal.sound import NOT_THAT_ONE, another, answers_in, noted, published
from pipeline.journal.writer import LOCK_SECONDS

VERSION = 2
_READABLE = """
CREATE VIEW readable AS
    SELECT seq, lower(hex(digest)) AS digest, outcome, billed, message, model, step, record,
           datetime(at, 'unixepoch') AS at, seconds, input, output, cost / 1e9 AS dollars,
           CAST(body AS TEXT) AS body FROM attempts;
"""
_SEGMENTS = """
CREATE TABLE IF NOT EXISTS segments (
    key    BLOB NOT NULL,     -- a segment of a document: its text, languages, model, style and terms
    digest BLOB NOT NULL,     -- the request that asked for it
    place  INTEGER NOT NULL,  -- which of the request's segments it was, from 1
    of     INTEGER NOT NULL,  -- how many segments the request asked for
    sum    INTEGER NOT NULL,  -- checksum of the row
    PRIMARY KEY (key, digest, place)
) WITHOUT ROWID"""
_LATER = (_SEGMENTS, *batches.TABLES)
"""tables that older journals have not all of"""
_SCHEMA = f"""
CREATE TABLE attempts (
    seq     INTEGER PRIMARY KEY,
    digest  BLOB NOT NULL,     -- SHA-256 of api and request body
    outcome TEXT NOT NULL,     -- 'answered', 'superseded' (asked again), 'forgotten', or the kind of fault
    billed  TEXT NOT NULL,     -- yes, no or maybe
    fate    TEXT NOT NULL,     -- '' for an answer; retry, fail or stop for a fault
    message TEXT NOT NULL,     -- what went wrong
    api     TEXT NOT NULL,     -- the dialect of the body
    model   TEXT NOT NULL,     -- the model that was asked
    step    TEXT NOT NULL,     -- the step and the record that asked first
    record  TEXT NOT NULL,
    at      REAL NOT NULL,     -- Unix time, seconds
    seconds REAL NOT NULL,     -- how long the call took
    body    BLOB NOT NULL,     -- the reply as it came
    endpoint  TEXT NOT NULL DEFAULT '',  -- who was asked, where a model has several endpoints
    input     INTEGER,         -- tokens, NULL until the reply has been counted; of these
    cached    INTEGER,         --   from the server's cache
    output    INTEGER,
    reasoning INTEGER,
    cost      INTEGER,         -- nano-dollars, NULL where the price is not known; an upper bound for 'maybe'
    sum       INTEGER          -- checksum of what never changes in the row, NULL in rows of version 1
);
CREATE INDEX attempts_by_digest ON attempts (digest);
{";".join(_LATER)};
CREATE TABLE runs (started REAL NOT NULL, job BLOB NOT NULL, ended REAL, outcome TEXT, summary TEXT);
{_READABLE}PRAGMA user_version = {VERSION};
"""
_READ_AS_NEW = """
CREATE TEMP VIEW attempts AS SELECT *, '' AS endpoint, NULL AS input, NULL AS cached, NULL AS output,
    NULL AS reasoning, NULL AS cost, NULL AS sum FROM main.attempts;
CREATE TEMP VIEW runs AS SELECT rowid AS rowid, *, NULL AS summary FROM main.runs;
"""
_UPGRADE = f"""
ALTER TABLE attempts ADD COLUMN endpoint TEXT NOT NULL DEFAULT '';
ALTER TABLE attempts ADD COLUMN input INTEGER;
ALTER TABLE attempts ADD COLUMN cached INTEGER;
ALTER TABLE attempts ADD COLUMN output INTEGER;
ALTER TABLE attempts ADD COLUMN reasoning INTEGER;
ALTER TABLE attempts ADD COLUMN cost INTEGER;
ALTER TABLE attempts ADD COLUMN sum INTEGER;
ALTER TABLE runs ADD COLUMN summary TEXT;
DROP VIEW IF EXISTS readable;
{_READABLE}PRAGMA user_version = {VERSION};
"""
_CACHE = "PRAGMA cache_size = -8000"
"""8 MB: the index over the digests of some 200,000 attempts"""
_SMALL = 0.0001
"""numbers below it are written with an exponent"""
_NEEDED = (
    "SELECT digest, outcome, billed, fate, message, api, model, step, record, at, seconds, body, endpoint,"
    " input, cached, output, reasoning, cost, sum FROM attempts LIMIT 0",
    "SELECT started, job, ended, outcome, summary FROM runs LIMIT 0",
)
HINT = (
    "remove journal.sqlite-wal and -shm, and put a copy of the journal back; `pipeline journal verify` says "
    "what is damaged; or move all three and published.json away: then every answer is asked for, and paid "
    "for, again"
)
TROUBLE = (sqlite3.Error, UnicodeError)
"""what SQLite raises where a file is damaged; the latter where its own message quotes damaged words"""
ANOTHER = (
    "put the right journal.sqlite back; or, to go on with this one and pay for every answer that it does not "
    "have, remove published.json"
)
LOST = (
    "put a copy of journal.sqlite back; or, to begin anew and pay for every answer again, remove "
    "published.json and what is left of the journal"
)


def is_there(path: Path) -> bool:
    """Whether there is a journal; `DiskError` where there was one, as a result or a log shows."""
    if path.exists() and not path.is_file():
        raise DiskError("the journal is not a file", where=str(path), hint=HINT)
    if path.exists() and path.stat().st_size:
        return True
    log = path.with_name(path.name + "-wal")
    logged = log.is_file() and not log.is_symlink() and log.stat().st_size
    if logged or answers_in(published(path)):
        what = "empty" if path.exists() else "gone"
        raise DiskError(f"the journal is {what}, though there were answers in it", where=str(path), hint=LOST)
    return False


@contextmanager
def trusting(path: Path) -> Iterator[None]:
    """Whatever SQLite finds wrong inside becomes a `DiskError` that names the journal."""
    try:
        yield
    except TROUBLE as error:
        what = "cannot be read" if isinstance(error, sqlite3.OperationalError) else "is damaged"
        raise DiskError(f"the journal {what}: {error}", where=str(path), hint=HINT) from None


def connect(path: Path) -> sqlite3.Connection:
    """A connection that commits for good, with the schema made or its version checked."""
    is_there(path)
    try:
        connection = sqlite3.connect(path, isolation_level=None, timeout=LOCK_SECONDS)
        if path.stat().st_size == 0:  # before there is a log: it must stand in the file itself
            connection.execute(f"PRAGMA application_id = {random.randint(1, 2**31 - 1)}")  # noqa: S311 - a name
        else:
            _refuse_another(connection, path)
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute(_CACHE)
        version = _version(connection)
        if version < VERSION:
            script = _SCHEMA if version == 0 else _UPGRADE
            connection.executescript(f"BEGIN IMMEDIATE;{script}COMMIT;")
        for table in _LATER:
            connection.execute(table)
    except TROUBLE as error:
        raise DiskError(f"the journal cannot be opened: {error}", where=str(path), hint=HINT) from None
    return _checked(connection, path)


def connect_to_read(path: Path) -> sqlite3.Connection:
    """A connection that changes nothing; on a read-only disk it also makes no files beside the journal."""
    if not is_there(path):
        return empty()
    for mode in ("mode=ro", "immutable=1"):
        try:
            connection = sqlite3.connect(f"file:{quote(str(path))}?{mode}", uri=True, timeout=LOCK_SECONDS)
        except sqlite3.Error:
            continue
        try:
            connection.execute(_CACHE)
            version = _version(connection)
        except sqlite3.OperationalError:
            connection.close()
            continue
        except TROUBLE as error:
            raise DiskError(f"the journal cannot be read: {error}", where=str(path), hint=HINT) from None
        _refuse_another(connection, path)
        with trusting(path):
            if not connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'segments'").fetchone():
                connection.execute(_SEGMENTS.replace("TABLE", "TEMP TABLE"))
            if version == 0 and not connection.execute("SELECT 1 FROM sqlite_master").fetchone():
                return empty()  # a run was killed before it made the tables
            if version == 1:
                connection.executescript(_READ_AS_NEW)
                return connection
        return _checked(connection, path)
    raise DiskError("the journal cannot be read", where=str(path), hint=HINT)


def _refuse_another(connection: sqlite3.Connection, path: Path) -> None:
    """`DiskError` where the file can be read, but is not the journal that the result was written from."""
    if what := another(connection, published(path)):
        connection.close()
        hint = ANOTHER if what == NOT_THAT_ONE else LOST
        raise DiskError(f"the journal {what}", where=str(path), hint=hint)


def mark(path: Path) -> dict[str, int]:
    """What a receipt notes of the journal at `path`, so that another one is not taken for it."""
    with trusting(path), closing(connect_to_read(path)) as connection:
        return noted(connection)


def empty() -> sqlite3.Connection:
    """A journal in which nothing was ever asked."""
    connection = sqlite3.connect(":memory:")
    connection.executescript(_SCHEMA)
    return connection


def fetched(connection: sqlite3.Connection, sql: str, values: tuple[Any, ...] = ()) -> list[Any]:
    """Rows of a query, also where damage has made a text invalid UTF-8; `sqlite3.Error` for other damage."""
    try:
        return connection.execute(sql, values).fetchall()
    except sqlite3.OperationalError as error:
        if "decode" not in str(error):
            raise
    connection.text_factory = lambda raw: raw.decode(errors="replace")
    try:
        return connection.execute(sql, values).fetchall()
    finally:
        connection.text_factory = str


def _version(connection: sqlite3.Connection) -> int:
    return int(connection.execute("PRAGMA user_version").fetchone()[0])


def _checked(connection: sqlite3.Connection, path: Path) -> sqlite3.Connection:
    version = _version(connection)
    if version != VERSION:
        what = f"the journal has version {version}, and this program knows {VERSION}"
        raise DiskError(
            what, where=str(path), hint="use the program that wrote it; a newer program may be needed"
        )
    with trusting(path):
        for sql in _NEEDED:
            connection.execute(sql)
    return connection


def row_sum(
    digest: bytes,
    api: str,
    model: str,
    step: str,
    record: str,
    at: float,
    seconds: float,
    body: bytes,
    endpoint: str,
) -> int:
    """The first eight bytes of SHA-256 over these columns, as the signed integer that SQLite keeps."""
    said = f"{api}\0{model}\0{step}\0{record}\0{endpoint}\0{at!r}\0{seconds!r}\0"
    return int.from_bytes(sha256(digest + said.encode() + body).digest()[:8], signed=True)


def fits(kept: object, *columns: Any) -> bool:
    """Whether a row is still what it was; columns of a damaged row may be of any type."""
    digest, api, model, step, record, at, seconds, body, endpoint = columns
    said = f"{api}\0{model}\0{step}\0{record}\0{endpoint}\0".encode(errors="replace")
    try:
        whole = (digest, said, _written(at), b"\0", _written(seconds), b"\0", body)
        summed = sha256(b"".join(whole)).digest()
        if int.from_bytes(summed[:8], signed=True) == kept:
            return True
        return row_sum(*columns) == kept
    except (TypeError, ValueError):
        return False


def _written(number: float) -> bytes:
    """A number as Python's `repr` writes it. JSON writes all but very small ones alike, ten times as fast."""
    return dumps(number) if number >= _SMALL else repr(number).encode()
