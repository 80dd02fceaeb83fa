"""Which batches are wanted, made and collected. A batch is noted here before it is submitted.

So a program that is killed at any instant finds it again by its mark, and no batch is submitted twice. The
lines say which request each one is; they are removed when the batch is collected. This module does not know
what a line says, nor who takes batches.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

Select = Callable[[str, tuple[Any, ...]], list[Any]]
"""a query and its values -> rows"""
TABLES = (
    """
CREATE TABLE IF NOT EXISTS batches (
    mark    TEXT PRIMARY KEY,  -- what it carries, so that it is found again
    name    TEXT NOT NULL,     -- the model, as the job names it
    model   TEXT NOT NULL,
    api     TEXT NOT NULL,
    id      TEXT NOT NULL DEFAULT '',  -- the server's name for it; '' until that is known
    state   TEXT NOT NULL,     -- wanted, submitted, left (its requests go another way), ended, or refused
    status  TEXT NOT NULL DEFAULT '',  -- the server's own word at the last look
    made    REAL NOT NULL,     -- Unix time
    changed REAL NOT NULL,
    total   INTEGER NOT NULL,  -- requests in it; of these
    done    INTEGER NOT NULL DEFAULT 0,
    failed  INTEGER NOT NULL DEFAULT 0,
    message TEXT NOT NULL DEFAULT ''
)""",
    """
CREATE TABLE IF NOT EXISTS batch_lines (
    mark   TEXT NOT NULL,
    digest BLOB NOT NULL,      -- the request
    line   INTEGER NOT NULL,   -- from 1
    step   TEXT NOT NULL,
    record TEXT NOT NULL,
    start  INTEGER NOT NULL,   -- where its body stands in the file that was submitted, in bytes
    length INTEGER NOT NULL,
    cost   INTEGER NOT NULL,   -- the most nano-dollars that it can cost
    tokens INTEGER NOT NULL,   -- the most tokens that it can use
    PRIMARY KEY (mark, digest)
) WITHOUT ROWID""",
)
BY = "batch:"
"""how `attempts.endpoint` begins for what came by batch; behind it stands the mark"""
NOTE_LINE = "INSERT OR REPLACE INTO batch_lines VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)"
FORGET_LINES = "DELETE FROM batch_lines WHERE mark = ?"
FORGET_ORPHANS = "DELETE FROM batch_lines WHERE mark NOT IN (SELECT mark FROM batches)"
WANT = (
    "INSERT INTO batches (mark, name, model, api, state, made, changed, total)"
    " VALUES (?, ?, ?, ?, 'wanted', ?, ?, ?)"
)
CHANGE = (
    "UPDATE batches SET id = ?, state = ?, status = ?, changed = ?, done = ?, failed = ?, message = ?"
    " WHERE mark = ?"
)
_COLUMNS = "mark, name, model, api, id, state, status, made, changed, total, done, failed, message"
_LINES = "SELECT digest, line, step, record, start, length, cost, tokens FROM batch_lines WHERE mark = ?"
_AT_ONCE = 500


@dataclass(frozen=True, slots=True)
class Line:
    """One request of a batch."""

    digest: bytes
    line: int
    step: str
    record: str
    start: int
    length: int
    cost: int
    tokens: int


@dataclass(slots=True)
class Batch:
    """A batch, as far as it is known."""

    mark: str
    name: str
    model: str
    api: str
    id: str = ""
    state: str = "wanted"
    status: str = ""
    made: float = 0.0
    changed: float = 0.0
    total: int = 0
    done: int = 0
    failed: int = 0
    message: str = ""
    unsure: bool = False
    """whether it may have been made, though its id is not known; this and what follows is not stored"""
    earlier: bool = False
    """whether an earlier run wanted it"""
    tries: int = 0
    next_try: float = 0.0
    """when it may be submitted again, on the event loop's clock"""

    @property
    def unfinished(self) -> bool:
        """Whether it may still bring answers."""
        return self.state in ("wanted", "submitted", "left")

    @property
    def endpoint(self) -> str:
        """What `attempts.endpoint` says of its answers."""
        return BY + self.mark

    def wanted(self) -> tuple[Any, ...]:
        """The values of `WANT`."""
        return (self.mark, self.name, self.model, self.api, self.made, self.made, self.total)

    def changes(self) -> tuple[Any, ...]:
        """The values of `CHANGE`, at this moment."""
        self.changed = time.time()
        said = (self.done, self.failed, self.message)
        return (self.id, self.state, self.status, self.changed, *said, self.mark)


def all_of(select: Select) -> list[Batch]:
    """Every batch there ever was, the oldest first; none in a journal that was made before there were any."""
    if not select("SELECT 1 FROM sqlite_master WHERE name = 'batches'", ()):
        return []
    return [Batch(*row) for row in select(f"SELECT {_COLUMNS} FROM batches ORDER BY made, mark", ())]  # noqa: S608 - names of ours


def lines_of(select: Select, mark: str) -> Iterator[Line]:
    """The lines of a batch, by digest; some at a time are in memory."""
    last = b""
    while rows := select(f"{_LINES} AND digest > ? ORDER BY digest LIMIT {_AT_ONCE}", (mark, last)):
        yield from (Line(*row) for row in rows)
        last = rows[-1][0]


def lines_for(select: Select, mark: str, digests: Sequence[bytes]) -> dict[bytes, Line]:
    """The lines of these requests, at most 500."""
    marks = ", ".join("?" * len(digests))
    rows = select(f"{_LINES} AND digest IN ({marks})", (mark, *digests))
    return {row[0]: Line(*row) for row in rows}


def came_back(select: Select, times: int) -> set[bytes]:
    """The requests that failed in so many batches or more: a further batch would be in vain."""
    sql = (
        "SELECT digest FROM attempts WHERE endpoint >= ? AND endpoint < ? AND fate = 'retry'"
        " GROUP BY digest HAVING count(*) >= ?"
    )
    return {digest for (digest,) in select(sql, (BY, BY[:-1] + ";", times))}


def brought(select: Select, batch: Batch, digests: Sequence[bytes]) -> set[bytes]:
    """Which of these requests this batch has an answer in the journal for."""
    marks = ", ".join("?" * len(digests))
    sql = f"SELECT DISTINCT digest FROM attempts WHERE endpoint = ? AND digest IN ({marks})"  # noqa: S608 - question marks, no value
    return {digest for (digest,) in select(sql, (batch.endpoint, *digests))}
