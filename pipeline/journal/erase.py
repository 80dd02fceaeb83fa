"""What was asked and answered goes out of the journal for good: no page of it and no log beside it keeps it.

What it has cost stays, under nobody's name: a budget is not filled up by forgetting. This module does not
know whose rows they are.
"""

from __future__ import annotations

import json
import shutil
import sqlite3
from collections.abc import Collection, Iterator, Mapping
from contextlib import closing
from pathlib import Path

from pipeline.core.errors import DiskError
from pipeline.journal.database import connect, row_sum

_NOBODY = bytes(32)
_BLANK = """
UPDATE attempts SET digest = ?, outcome = 'forgotten', fate = 'fail', message = '', record = '', at = 0.0,
       seconds = 0.0, body = x'', sum = ? WHERE seq = ?
"""
_SUMMED = "api, model, step, record, at, seconds, body, endpoint"


def cleanse(
    path: Path, digests: Collection[bytes], names: Collection[str], sharers: Mapping[bytes, str]
) -> tuple[int, int]:
    """Blank all attempts at these requests but for what they have cost; how many went, and how many stay.

    What others ask, too (`sharers`), stays, and stands under their name where it stood under one of `names`.
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
            gone = sum(_blanked(connection, digest) for digest in set(digests) - sharers.keys())
            stay = sum(_renamed(connection, digest, names, other) for digest, other in sharers.items())
            _blank_summaries(connection)
            connection.execute("COMMIT")
            connection.execute("VACUUM")
            _empty_log(connection)
    except sqlite3.Error as error:
        hint = "end every program that reads it, then run the same command"
        raise DiskError(f"the journal cannot be rewritten: {error}", where=str(path), hint=hint) from None
    return gone, stay


def _blanked(connection: sqlite3.Connection, digest: bytes) -> int:
    """Leave step, model, tokens and money of each attempt, and nothing of whom or what it was about."""
    sql = "SELECT seq, api, model, step, endpoint FROM attempts WHERE digest = ?"
    count = 0
    for seq, api, model, step, endpoint in connection.execute(sql, (digest,)).fetchall():
        count += 1
        fresh = row_sum(_NOBODY, api, model, step, "", 0.0, 0.0, b"", endpoint)
        connection.execute(_BLANK, (_NOBODY, fresh, seq))
    return count


def _renamed(connection: sqlite3.Connection, digest: bytes, names: Collection[str], other: str) -> int:
    rows = connection.execute(f"SELECT seq, sum, {_SUMMED} FROM attempts WHERE digest = ?", (digest,))  # noqa: S608 - names of columns, no value
    count = 0
    for seq, kept, api, model, step, record, *rest in rows.fetchall():
        count += 1
        if record in names:
            fresh = None if kept is None else row_sum(digest, api, model, step, other, *rest)
            connection.execute("UPDATE attempts SET record = ?, sum = ? WHERE seq = ?", (other, fresh, seq))
    return count


def _blank_summaries(connection: sqlite3.Connection) -> None:
    """Take the last error and the remarks out of the summaries of runs: they may quote anybody."""
    for number, summary in list(_summaries(connection)):
        connection.execute("UPDATE runs SET summary = ? WHERE rowid = ?", (summary, number))


def _summaries(connection: sqlite3.Connection) -> Iterator[tuple[int, str]]:
    for number, text in connection.execute("SELECT rowid, summary FROM runs WHERE summary <> ''"):
        try:
            summary = json.loads(text)
        except ValueError:
            yield number, ""
            continue
        blank = {"last_error": "", "stopped": "", "remarks": {}}
        yield number, json.dumps({**summary, **blank}) if isinstance(summary, dict) else ""


def _empty_log(connection: sqlite3.Connection) -> None:
    (busy, *_) = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
    if busy:
        raise sqlite3.OperationalError("another program is reading it")
