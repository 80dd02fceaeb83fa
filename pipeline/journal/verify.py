"""Is the journal still what was written? Every page is checked by SQLite, every row against its checksum.

Nothing is changed. This module does not know what the replies say.
"""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

from pipeline.journal.database import connect_to_read, fetched, fits, is_there, trusting
from pipeline.journal.journal import Damage
from pipeline.journal.segments import is_whole

_ROW = (
    "SELECT digest, api, model, step, record, at, seconds, body, endpoint, sum, outcome FROM attempts"
    " WHERE seq = ?"
)
_PAGE = re.compile(r"\b[Pp]age (\d+)")
MOST_LINES = 100


@dataclass
class Verdict:
    """What was found. `unsummed` rows are from a version that wrote no checksums: they count as good."""

    rows: int = 0
    answered: int = 0
    unsummed: int = 0
    damaged: list[Damage] = field(default_factory=list)
    """rows that can be read and are not what was written"""
    unreadable: list[int] = field(default_factory=list)
    """numbers (`seq`) of rows that cannot be read at all"""
    segments: int = 0
    """rows of the index that says which answers the segments of documents had, …"""
    wrong_segments: int = 0
    """… and those that are not what was written: they are not used, so a segment may be asked for again"""
    pages: list[str] = field(default_factory=list)
    """what SQLite says of its pages, with the bytes of the file where it names a page"""

    @property
    def whole(self) -> bool:
        """Whether nothing is wrong."""
        return not (self.damaged or self.unreadable or self.wrong_segments or self.pages)


def verify(path: Path, *, quick: bool = False) -> Verdict:
    """The verdict on the journal at `path`; `quick` leaves the order of its indexes unchecked.

    Reads the whole file. `DiskError` where it is no journal.
    """
    verdict = Verdict()
    if not is_there(path):
        return verdict
    with trusting(path), closing(connect_to_read(path)) as connection:
        verdict.pages = list(_pages(connection, "quick_check" if quick else "integrity_check"))
        for seq in _numbers(connection):
            _look(connection, seq, verdict)
        for row in connection.execute("SELECT key, digest, place, of, sum FROM segments"):
            verdict.segments += 1
            verdict.wrong_segments += not is_whole(*row)
    return verdict


def _pages(connection: sqlite3.Connection, check: str) -> Iterator[str]:
    """What SQLite's own check finds wrong, line by line."""
    size = 0
    lines: list[str] = []
    for most in (MOST_LINES, 1):  # where the check itself fails, its first line can still be read
        try:
            (size,) = connection.execute("PRAGMA page_size").fetchone()
            rows = connection.execute(f"SELECT * FROM pragma_{check}({MOST_LINES}) LIMIT {most}")  # noqa: S608 - the name of a check, and numbers of ours
            lines = [str(line) for (line,) in rows]
            break
        except sqlite3.DatabaseError as error:
            lines = [str(error)]
    for text in lines:
        for line in text.splitlines():
            if line != "ok" and not line.startswith("*** in database"):
                page = _PAGE.search(line)
                first = (int(page[1]) - 1) * size if page else 0
                yield f"{line} (bytes {first:,} to {first + size - 1:,})" if page else line


def _numbers(connection: sqlite3.Connection) -> list[int]:
    """The numbers of all rows, also where a page of the table cannot be read: its index has them, too."""
    found: set[int] = set()
    for by in ("INDEXED BY attempts_by_digest", "NOT INDEXED"):
        try:
            for (seq,) in connection.execute(f"SELECT seq FROM main.attempts {by}"):  # noqa: S608 - one of the two
                found.add(seq)
        except sqlite3.DatabaseError:  # what was found so far stays found
            continue
    return sorted(found)


def _look(connection: sqlite3.Connection, seq: int, verdict: Verdict) -> None:
    try:
        rows = fetched(connection, _ROW, (seq,))
    except sqlite3.DatabaseError:
        rows = []
    verdict.rows += 1
    if not rows:
        verdict.unreadable.append(seq)
        return
    digest, *columns, kept, outcome = rows[0]
    verdict.answered += outcome == "answered"
    if kept is None:
        verdict.unsummed += 1
    elif not fits(kept, digest, *columns):
        verdict.damaged.append(Damage(seq, str(columns[2]), str(columns[3])))
