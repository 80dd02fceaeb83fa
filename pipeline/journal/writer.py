"""One thread that commits to a SQLite file in groups: a commit takes all rows that wait when it begins.

Whoever awaits a commit resumes when it is on the disk. This module does not know what is written.
"""

from __future__ import annotations

import asyncio
import os
import sqlite3
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from queue import SimpleQueue
from typing import Any, TypeAlias

from pipeline.core.errors import DiskError
from pipeline.journal.spill import Spill

GROUP = 500
GATHER = 0.005
"""seconds that a commit waits for more rows; little against the seconds that a model takes"""
LOCK_SECONDS = 60.0
"""how long another program may hold the file"""

_Work: TypeAlias = "tuple[str, tuple[Any, ...], asyncio.Future[None] | None]"


class _Damaged(Exception):
    """The file itself is damaged."""


class Writer:
    """The writer of one file. After it could not write, `broken` says why, and every caller is told so.

    Rows that still come then, because they were under way: those of the statement `kept` are kept in the
    reserve, others are dropped.
    """

    def __init__(self, path: Path, connect: Callable[[Path], sqlite3.Connection], kept: str) -> None:
        self.broken: DiskError | None = None
        self._kept = kept
        self._reserve = Spill(path)
        self._room = False
        self._saved = 0
        self._mend = "fix the disk"
        self._path = path
        self._connect = connect
        self._files = {file: _inode(file) for file in (path, path.with_name("lock"))}
        self._queue: SimpleQueue[_Work | None] = SimpleQueue()
        self._thread = threading.Thread(target=self._work, name="journal", daemon=True)
        self._thread.start()

    def put(self, sql: str, row: tuple[Any, ...]) -> None:
        """Write, and wait for nothing."""
        self._queue.put((sql, row, None))

    async def commit(self, sql: str, row: tuple[Any, ...]) -> None:
        """Write; returns when it is on the disk. `DiskError` after trouble: it is in the reserve then."""
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._queue.put((sql, row, done))
        await done

    def close(self) -> None:
        """Write what waits."""
        self._queue.put(None)
        self._thread.join()

    def _work(self) -> None:
        connection = self._connect(self._path)
        going_on = True
        while going_on:
            work: list[_Work] = []
            item = self._queue.get()
            time.sleep(GATHER)
            while item is not None:
                work.append(item)
                if len(work) >= GROUP or self._queue.empty():
                    break
                item = self._queue.get()
            going_on = item is not None
            try:
                self._write(connection, work)
            except Exception as error:  # not even the reserve took it; callers that wait must still be told
                self.broken = self.broken or _disk_error(error)
                _tell(work, self.broken)
        connection.close()

    def _write(self, connection: sqlite3.Connection, work: list[_Work]) -> None:
        """Commit a group; where one of its rows is wrong, each of them alone, so that it costs no other."""
        self.broken = self.broken or self._gone()
        try:
            if self.broken is None:
                _execute(connection, work)
                _tell(work, None)
                return
        except sqlite3.OperationalError as error:  # the disk, or another program that holds the file
            self.broken = _disk_error(error)
            self._room = error.sqlite_errorcode == sqlite3.SQLITE_FULL and self._reserve.free()
        except MemoryError as error:
            self.broken = _disk_error(error)
        except _Damaged as error:
            self.broken, self._mend = _disk_error(error), "put a copy of it back"
        except Exception as error:  # whatever it is, it is about one row
            if len(work) > 1:
                for item in work:
                    self._write(connection, [item])
            else:
                _tell(work, _disk_error(error))
            return
        self._rescue(connection, work)
        _tell(work, self.broken)

    def _rescue(self, connection: sqlite3.Connection, work: list[_Work]) -> None:
        """Keep what was under way when the disk failed: in the file while the ballast's room lasts."""
        if self._room:
            try:
                _execute(connection, work)
            except (sqlite3.Error, MemoryError):
                self._room = False
            else:
                return
        self._save(work)

    def _save(self, work: list[_Work]) -> None:
        """Put the rows that must not be lost into the reserve."""
        rows = [row for sql, row, _ in work if sql == self._kept]
        if rows and self.broken is not None:
            where = self._reserve.spill(rows)
            self._saved += len(rows)
            waits = f"{self._saved} answers are saved and wait for it, the last in {where}"
            self.broken.hint = f"{self._mend}, then run the same command: {waits}"

    def _gone(self) -> DiskError | None:
        """The error where the file or the lock is no longer the one that was opened; None where both are.

        What is written into a deleted file is lost, and without the lock another run may have begun.
        """
        for file, inode in self._files.items():
            if inode and _inode(file) != inode:
                what = "the lock" if file.name == "lock" else "the journal"
                hint = "leave it where it is" if file.name == "lock" else "put it back if you have it"
                said = f"{what} was moved or deleted while the job ran"
                return DiskError(said, where=str(file), hint=f"{hint}; then run the same command")
        return None


def _inode(file: Path) -> int:
    """The number of a file on its disk; 0 where there is none."""
    try:
        return os.stat(file).st_ino  # noqa: PTH116 - the number alone
    except OSError:
        return 0


def _execute(connection: sqlite3.Connection, work: list[_Work]) -> None:
    try:
        connection.execute("BEGIN IMMEDIATE")
        for sql, row, _ in work:
            connection.execute(sql, row)
        connection.execute("COMMIT")
    except BaseException as error:
        with suppress(sqlite3.Error):
            connection.execute("ROLLBACK")
        if type(error) is sqlite3.DatabaseError:  # its subclasses are the disk's, or about one row
            raise _Damaged(*error.args) from None
        raise


def _disk_error(error: Exception) -> DiskError:
    if isinstance(error, _Damaged):
        hint = "put a copy of it back, then run the same command"
        return DiskError(f"the journal is damaged: {error}", hint=hint)
    memory = isinstance(error, MemoryError)
    what, lacking = ("no memory is left", "memory") if memory else (str(error), "space")
    hint = f"free {lacking}, then run the same command: what was committed is safe"
    return DiskError(f"the journal cannot be written: {what}", hint=hint)


def _tell(work: list[_Work], error: DiskError | None) -> None:
    futures = [done for _, _, done in work if done is not None]
    if futures:
        with suppress(RuntimeError):  # the loop is gone, and nobody waits
            futures[0].get_loop().call_soon_threadsafe(_settle, futures, error)


def _settle(futures: list[asyncio.Future[None]], error: DiskError | None) -> None:
    for future in futures:
        if future.done():
            continue
        if error:
            future.set_exception(error)
        else:
            future.set_result(None)
