"""What a journal holds, as others than the program would read it."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

from pipeline.journal.spill import Spill
from tests.support.project import Project

ANSWERED = "SELECT lower(hex(digest)) FROM attempts WHERE outcome = 'answered'"


def journalled(folder: Path) -> int:
    """Answers in the journal, as any SQLite tool would count them."""
    with sqlite3.connect(f"file:{folder}/output/shop/journal.sqlite?mode=ro", uri=True) as connection:
        return int(
            connection.execute("SELECT count(*) FROM attempts WHERE outcome = 'answered'").fetchone()[0]
        )


def answered(journal: Path) -> set[str]:
    """The digests that a journal has answers for; none where there is no journal yet."""
    if not journal.exists():
        return set()
    try:
        with closing(sqlite3.connect(f"file:{journal}?mode=ro", uri=True)) as connection:
            return {digest for (digest,) in connection.execute(ANSWERED)}
    except sqlite3.OperationalError:
        return set()


def spilled(journal: Path) -> set[str]:
    """The digests of answers that wait beside a journal."""
    rows = (row for _, found, _ in Spill(journal).spilled() for row in found)
    return {digest.hex() for digest, outcome, *_ in rows if outcome == "answered"}


def change(path: Path, sql: str) -> None:
    with closing(sqlite3.connect(path, isolation_level=None)) as plain:
        plain.execute(sql)


JOURNAL = "output/shop/journal.sqlite"


def select(project: Project, sql: str) -> list[Any]:
    """Rows of the journal, as any SQLite tool reads them."""
    with closing(sqlite3.connect(f"file:{project.folder / JOURNAL}?mode=ro", uri=True)) as journal:
        return journal.execute(sql).fetchall()
