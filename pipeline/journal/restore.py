"""Puts answers into the journal that a run had to print on standard error, because no disk took them.

This module does not know how they were saved.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from contextlib import closing
from dataclasses import dataclass

from pipeline.job.spec import Job
from pipeline.journal.database import connect, trusting
from pipeline.journal.journal import Journal
from pipeline.journal.rows import is_row, restore
from pipeline.journal.spill import PREFIX, read_lines
from pipeline.system.lock import locked


@dataclass(frozen=True)
class Restored:
    """Counts: answers put into the journal now, answers that were there before, lines that cannot be used."""

    taken: int
    known: int
    damaged: int


def restore_lines(job: Job, lines: Iterable[str]) -> Restored:
    """Take in the saved answers among these lines; others are passed over.

    `Locked` while a run is alive, `DiskError` where the journal cannot be written.
    """
    saved = [line for line in lines if PREFIX in line or line.lstrip().startswith('{"row"')]
    rows, damaged = read_lines(saved)
    whole = [row for row in rows if is_row(row)]
    damaged += len(rows) - len(whole)
    with locked(job.folder):
        path = job.folder / "journal.sqlite"
        Journal.open(path).close()
        with trusting(path), closing(connect(path)) as connection:
            before = _count(connection)
            restore(connection, whole)
            taken = _count(connection) - before
    return Restored(taken, len(whole) - taken, damaged)


def _count(connection: sqlite3.Connection) -> int:
    return int(connection.execute("SELECT count(*) FROM attempts").fetchone()[0])
