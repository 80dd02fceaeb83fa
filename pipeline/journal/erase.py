"""Removes requests and answers from the journal for good: no page of the file and no log keeps them.

Their costs stay, without the record's name: forgetting must not give a budget money back. This module does
not know whose rows they are.
"""

from __future__ import annotations

import json
import shutil
import sqlite3
from collections.abc import Collection, Mapping
from contextlib import closing
from dataclasses import asdict
from functools import partial
from pathlib import Path

from pipeline.core.domain import Billed
from pipeline.core.errors import DiskError
from pipeline.journal import segments
from pipeline.journal.database import connect, fetched, row_sum
from pipeline.journal.rows import INSERT, row_of
from pipeline.journal.sound import sealed, unsealed

_NOBODY = bytes(32)
_BLANK = """
UPDATE attempts SET digest = ?, outcome = 'forgotten', fate = 'fail', record = '', at = 0.0,
       message = iif(message = '', '', 'forgotten'), seconds = 0.0, body = x'', sum = ? WHERE seq = ?
"""
_ROWS = """
SELECT seq, sum, api, model, step, record, at, seconds, body, endpoint FROM attempts WHERE digest = ?
"""


def cleanse(
    path: Path,
    digests: Collection[bytes],
    names: Collection[str],
    sharers: Mapping[bytes, str],
    shared: Mapping[bytes, str],
) -> tuple[int, int]:
    """Blank all attempts at these requests except their costs; how many are blanked, and how many stay.

    A request that other records share (`sharers`) stays; if it is kept under one of `names`, it gets theirs.
    Of an answer to segments of documents, those that other documents share (`shared`) stay, each by itself.
    The file is written anew, because SQLite leaves older copies of a row in its pages. `DiskError` where
    there is no room for that, or where another program is reading.
    """
    size = path.stat().st_size
    free = shutil.disk_usage(path.parent).free
    if free < 3 * size:
        hint = f"make room: {3 * size:,} bytes are needed for a while, and {free:,} are free"
        raise DiskError("there is not enough room to rewrite the journal", where=str(path), hint=hint)
    try:
        with closing(connect(path)) as connection:
            connection.execute("PRAGMA secure_delete = ON")
            connection.execute("BEGIN IMMEDIATE")
            gone = sum(_blanked(connection, digest, shared) for digest in set(digests) - sharers.keys())
            stay = sum(_renamed(connection, digest, names, other) for digest, other in sharers.items())
            _blank_summaries(connection)
            connection.execute("COMMIT")
            connection.execute("VACUUM")
            _empty_log(connection)
    except sqlite3.Error as error:
        hint = "end every program that reads it, then run the same command"
        raise DiskError(f"the journal cannot be rewritten: {error}", where=str(path), hint=hint) from None
    return gone, stay


def _blanked(connection: sqlite3.Connection, digest: bytes, shared: Mapping[bytes, str]) -> int:
    """Leave step, model, tokens and money of each attempt, and nothing of its record or its content."""
    for request, answer in list(segments.parted(partial(fetched, connection), digest, shared)):
        said = ("answered", Billed.NO, "", "", 0.0, json.dumps(asdict(answer)).encode(), 0, answer.usage)
        connection.execute(INSERT, row_of(request, *said))
        connection.executemany(segments.NOTE, segments.rows_of(request))
    connection.execute(segments.FORGET, (digest,))
    sql = "SELECT seq, api, model, step, endpoint FROM attempts WHERE digest = ?"
    rows = connection.execute(sql, (digest,)).fetchall()
    for seq, api, model, step, endpoint in rows:
        fresh = row_sum(_NOBODY, api, model, step, "", 0.0, 0.0, b"", endpoint)
        connection.execute(_BLANK, (_NOBODY, fresh, seq))
    return len(rows)


def _renamed(connection: sqlite3.Connection, digest: bytes, names: Collection[str], other: str) -> int:
    rows = connection.execute(_ROWS, (digest,)).fetchall()
    for seq, kept, api, model, step, record, *rest in rows:
        if record in names:
            fresh = None if kept is None else row_sum(digest, api, model, step, other, *rest)
            connection.execute("UPDATE attempts SET record = ?, sum = ? WHERE seq = ?", (other, fresh, seq))
    return len(rows)


def _blank_summaries(connection: sqlite3.Connection) -> None:
    """Take the last error and the remarks out of the summaries of runs: they may quote anybody."""
    sql = "SELECT rowid, summary FROM runs WHERE summary <> ''"
    for number, text in connection.execute(sql).fetchall():
        summary = sealed({**unsealed(text), "last_error": "", "stopped": "", "remarks": {}})
        connection.execute("UPDATE runs SET summary = ? WHERE rowid = ?", (summary, number))


def _empty_log(connection: sqlite3.Connection) -> None:
    (busy, *_) = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
    if busy:
        raise sqlite3.OperationalError("another program is reading it")
