"""`benchmarks.ours` with a journal that never syncs: the same run, if nobody had to survive a power cut.

python -m benchmarks.unsynced JOB [KEY=VALUE ...]
"""

from __future__ import annotations

import sqlite3
from pathlib import Path

from benchmarks import ours
from pipeline.journal import database, journal


def unsynced(path: Path) -> sqlite3.Connection:
    """The journal's connection, less what makes a commit last."""
    connection = database.connect(path)
    connection.execute("PRAGMA synchronous = OFF")
    return connection


if __name__ == "__main__":
    journal.connect = unsynced
    ours.main()
