"""The list of the files that a job has written into folders, so that it can tell its own files.

A file is the job's own if its SHA-256 is the one that was written last, or the one that was about to be moved
there when the list was committed. The list itself is an SQLite file in the job's folder, so that it takes no
memory. This module does not look at the files.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Collection, Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

from pipeline.core.errors import DiskError
from pipeline.system.files import own_file

NAME = "files.sqlite"
_PART = 512
_SCHEMA = """
CREATE TABLE IF NOT EXISTS files (
    folder TEXT NOT NULL,     -- relative to the folder that `output/` stands in, absolute outside of it
    path   TEXT NOT NULL,     -- in that folder
    record TEXT NOT NULL,     -- the key of the record it is written for
    bytes  INTEGER NOT NULL,
    sha256 BLOB,              -- what was written last; NULL where nothing was yet
    coming BLOB,              -- what is about to take its place; NULL at rest
    round  INTEGER NOT NULL,  -- the number of the publishing that last had a row for it
    edited INTEGER NOT NULL,  -- 1 where something else stood there then, which was left as it is
    PRIMARY KEY (folder, path)
) WITHOUT ROWID;
"""
_PUT = "INSERT OR REPLACE INTO files VALUES (?, ?, ?, ?, ?, ?, ?, ?)"


@dataclass(frozen=True, slots=True)
class Summary:
    """The files of a folder as they were published: how many, their bytes, and a digest of the list.

    The digest is the SHA-256 of the list of them as `sha256sum` prints it, in the order of the paths.
    """

    files: int
    bytes: int
    sha256: str


class Manifest:
    """The list for one folder. `commit` keeps changes. `DiskError` where it cannot be read or written."""

    def __init__(self, state: Path, folder: str) -> None:
        self._path, self._folder = state / NAME, folder
        self._stack = ExitStack()
        self._connection = self._stack.enter_context(_connected(state))
        self._execute("BEGIN IMMEDIATE")
        ((last,),) = self._execute("SELECT coalesce(max(round), 0) FROM files")
        self._round = last + 1

    def _execute(self, sql: str, values: tuple[object, ...] = ()) -> list[tuple[Any, ...]]:
        with _guarded(self._path):
            return self._connection.execute(sql, values).fetchall()

    def known(self, path: str) -> set[bytes]:
        """The digests by which a file is the job's own; empty where the job wrote none."""
        return {one for one in self.versions(path) if one}

    def versions(self, path: str) -> tuple[bytes | None, bytes | None]:
        """The digests of what was written last, and of what was about to be moved there; None for neither."""
        sql = "SELECT sha256, coming FROM files WHERE folder = ? AND path = ?"
        return next(((now, coming) for now, coming in self._execute(sql, (self._folder, path))), (None, None))

    def note(self, path: str, record: str, size: int, digest: bytes) -> None:
        """Note that the file is in place with the right content."""
        self._put(path, record, size, digest, None)

    def expect(self, path: str, record: str, size: int, now: bytes | None, coming: bytes) -> None:
        """Note that the file is about to be moved there and replaces what is there now."""
        self._put(path, record, size, now, coming)

    def _put(self, path: str, record: str, size: int, now: bytes | None, coming: bytes | None) -> None:
        self._execute(_PUT, (self._folder, path, record, size, now, coming, self._round, 0))

    def leave(self, path: str) -> None:
        """Note that the file still has a row, and stays as it is; does nothing if it is not on the list."""
        sql = "UPDATE files SET round = ? WHERE folder = ? AND path = ?"
        self._execute(sql, (self._round, self._folder, path))

    def commit(self) -> None:
        """Write the changes to the disk."""
        self._execute("COMMIT")
        self._execute("BEGIN IMMEDIATE")

    def coming(self) -> Iterator[str]:
        """The files that are about to be put in place, by path."""
        return (path for path, *_ in self._pages("coming IS NOT NULL AND round = ?"))

    def stale(self) -> Iterator[tuple[str, set[bytes]]]:
        """The files that no longer have a row, by path, with the digests by which they are the job's own."""
        for path, now, coming in self._pages("round < ?"):
            yield path, {one for one in (now, coming) if one}

    def _pages(self, condition: str) -> Iterator[tuple[str, bytes | None, bytes | None]]:
        """Reads a part at a time, because the caller may change the list in between."""
        sql = (
            f"SELECT path, sha256, coming FROM files WHERE folder = ? AND {condition} AND path > ? "  # noqa: S608 - a condition of ours
            f"ORDER BY path LIMIT {_PART}"
        )
        last = ""
        while part := self._execute(sql, (self._folder, self._round, last)):
            yield from part
            last = str(part[-1][0])

    def settle(self) -> None:
        """Note that all files that were about to be moved are in place."""
        condition = "folder = ? AND coming IS NOT NULL AND round = ?"
        sql = f"UPDATE files SET sha256 = coming, coming = NULL WHERE {condition}"  # noqa: S608 - a condition of ours
        self._execute(sql, (self._folder, self._round))

    def drop(self, path: str) -> None:
        """Note that the file is removed."""
        self._execute("DELETE FROM files WHERE folder = ? AND path = ?", (self._folder, path))

    def mark_edited(self, path: str) -> None:
        """Note that the file was changed by somebody else, and is not touched."""
        self._execute("UPDATE files SET edited = 1 WHERE folder = ? AND path = ?", (self._folder, path))

    def summary(self) -> Summary:
        """What is published of the folder."""
        digest, count, size = sha256(), 0, 0
        what = "path, bytes, sha256 FROM files WHERE folder = ? AND NOT edited AND sha256 <> ''"
        sql = f"SELECT {what} ORDER BY path"
        for path, length, known in self._connection.execute(sql, (self._folder,)):
            digest.update(f"{known.hex()}  {path}\n".encode())
            count, size = count + 1, size + length
        return Summary(count, size, digest.hexdigest())

    def close(self) -> None:
        """Close the list; changes that were not committed are lost."""
        self._stack.close()


def folders(state: Path) -> list[str]:
    """The folders on a job's list; empty where there is none."""
    return [name for (name,) in _select(state, "SELECT DISTINCT folder FROM files ORDER BY 1")]


def paths_in(state: Path, folder: str) -> list[str]:
    """The files on a job's list that stand in this folder."""
    return [path for (path,) in _select(state, "SELECT path FROM files WHERE folder = ?", (folder,))]


def of_records(state: Path, names: Collection[str]) -> list[tuple[str, str]]:
    """(folder, path) of the files that were written for records of these names."""
    marks = ", ".join("?" * len(names))
    sql = f"SELECT folder, path FROM files WHERE record IN ({marks})"  # noqa: S608 - marks alone
    return _select(state, sql, tuple(names))


def _select(state: Path, sql: str, values: tuple[str, ...] = ()) -> list[Any]:
    """Rows of a job's list; none where there is no list."""
    if not (state / NAME).exists():
        return []
    with _connected(state) as connection:
        return connection.execute(sql, values).fetchall()


def strike(state: Path, names: Collection[str]) -> None:
    """Take the files of these records off the list, so that no byte of their names is left in it."""
    if not (state / NAME).exists():
        return
    with _connected(state) as connection:
        connection.executemany("DELETE FROM files WHERE record = ?", [(name,) for name in names])
        connection.execute("VACUUM")


@contextmanager
def _connected(state: Path) -> Iterator[sqlite3.Connection]:
    """A connection to the list, made where there is none."""
    path = state / NAME
    with _guarded(path):
        os.close(own_file(path, os.O_RDWR))  # SQLite would give it the rights of the umask
        with closing(sqlite3.connect(path, isolation_level=None)) as connection:
            connection.execute("PRAGMA synchronous = FULL")
            connection.execute("PRAGMA secure_delete = ON")  # forgotten names must not stay in its pages
            connection.execute(_SCHEMA)
            yield connection


@contextmanager
def _guarded(path: Path) -> Iterator[None]:
    try:
        yield
    except (sqlite3.Error, OSError) as error:
        hint = "if you remove it, files that differ from what a run would write now count as yours and stay"
        what = f"the list of the rows' files cannot be used: {error}"
        raise DiskError(what, where=str(path), hint=hint) from None
