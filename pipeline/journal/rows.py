"""A row of the journal: made, checked, and taken in again after it had to be kept elsewhere.

This module does not know when rows are written.
"""

from __future__ import annotations

import sqlite3
import time
from pathlib import Path
from typing import Any

from pipeline.core.domain import Billed, Request, Usage
from pipeline.core.errors import DiskError
from pipeline.journal.database import fits, row_sum
from pipeline.journal.spill import Spill

_COLUMNS = (
    "digest, outcome, billed, fate, message, api, model, step, record, at, seconds, body, endpoint, cost,"
    " sum, input, cached, output, reasoning"
)
_MARKS = ", ".join("?" * len(_COLUMNS.split(",")))
_SUM, _BODY = 14, 11
_UNCOUNTED = (None, None, None, None)
"""the last four columns of a reply whose tokens are not counted, and of an attempt without a reply"""
INSERT = f"INSERT INTO attempts ({_COLUMNS}) VALUES ({_MARKS})"  # noqa: S608 - no value in it
AT_MOST = "not all is counted: tokens and cost are the most they can be"
"""the message of an answer with such numbers"""
_UNLESS = "WHERE NOT EXISTS (SELECT 1 FROM attempts WHERE digest = ? AND at = ?)"
_ANSWERED = "SELECT 1 FROM attempts WHERE digest = ? AND outcome = 'answered'"
_RESTORE = f"INSERT INTO attempts ({_COLUMNS}) SELECT {_MARKS} {_UNLESS}"


def row_of(
    request: Request,
    outcome: str,
    billed: Billed,
    fate: str,
    message: str,
    seconds: float,
    body: bytes,
    cost: int | None,
    usage: Usage | None = None,
    api: str = "",
) -> tuple[Any, ...]:
    who = (as_text(api or request.api), as_text(request.model), as_text(request.step), as_text(request.key))
    what: tuple[Any, ...] = (*who, time.time(), float(seconds), body, request.endpoint)
    summed = row_sum(request.digest, *what)
    used = _UNCOUNTED if usage is None else numbers(usage)
    return (request.digest, outcome, billed.value, fate, as_text(message), *what, cost, summed, *used)


def pick_up(connection: sqlite3.Connection, path: Path) -> None:
    """Take in the rows that an earlier run had to spill, and make a new ballast."""
    spill = Spill(path)
    for file, rows, damaged in spill.spilled():
        taken = restore(connection, rows)
        spill.done_with(file, damaged=damaged > 0 or taken < len(rows))
    spill.fill()


def restore(connection: sqlite3.Connection, rows: list[tuple[Any, ...]]) -> int:
    """Insert spilled rows that are not there yet; how many were inserted. Invalid rows are passed over.

    Where a request has been asked again meanwhile, its newer answer stays in use.
    """
    whole = [row for row in rows if is_row(row)]
    try:
        connection.execute("BEGIN IMMEDIATE")
        for row in whole:
            if _is_there(connection, row):
                continue
            if row[1] == "answered" and connection.execute(_ANSWERED, (row[0],)).fetchone():
                row = (row[0], "superseded", *row[2:])
            used = row[_SUM + 1 :] or _UNCOUNTED
            connection.execute(_RESTORE, (*row[: _SUM + 1], *used, row[0], row[9]))
        connection.execute("COMMIT")
    except sqlite3.Error as error:
        what = f"the journal cannot take in the answers that were saved elsewhere: {error}"
        raise DiskError(
            what, hint="free space, then run the same command: these answers stay where they are"
        ) from None
    return len(whole)


def _is_there(connection: sqlite3.Connection, row: tuple[Any, ...]) -> bool:
    """Whether a reply that a worker kept, uncounted, is one that its owner had written before it ended."""
    if row[_SUM - 1] is not None or row[_SUM + 1 :] != _UNCOUNTED:
        return False
    sql = "SELECT 1 FROM attempts WHERE digest = ? AND body = ?"
    return connection.execute(sql, (row[0], row[_BODY])).fetchone() is not None


def is_row(row: tuple[Any, ...]) -> bool:
    """Whether this is a valid row, with token counts or, from an earlier version, without them."""
    if len(row) - _SUM - 1 not in (0, len(_UNCOUNTED)):
        return False
    return fits(row[_SUM], row[0], *row[5:13])


def message_of(usage: Usage | None) -> str:
    """The message of an answer that used this."""
    return "" if usage is None or usage.whole else AT_MOST


def numbers(usage: Usage) -> tuple[int, int, int, int]:
    return usage.input, usage.cached, usage.output, usage.reasoning


def as_text(words: str) -> str:
    """Words as SQLite takes them: a server may send lone surrogates, which UTF-8 cannot hold."""
    return words if words.isascii() else words.encode("utf-8", "replace").decode()
