"""Keeps rows that the journal's file cannot take any more, so that no paid answer is lost.

First a *ballast* is given up: a file that holds nothing but room on the same disk. Where that does not
help, rows are *spilled*: appended, with a checksum each, to a file in the first folder that takes them,
and, where none does, to standard error. The next run picks up what was spilled.
This module does not know what a row means.
"""

from __future__ import annotations

import base64
import json
import os
import sqlite3
import stat
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing, suppress
from hashlib import sha256
from pathlib import Path
from typing import Any, TypeAlias
from urllib.parse import quote

from pipeline.system.files import own_file

BALLAST = 8 << 20
"""bytes: room for the replies that are under way when a disk fills up"""
PREFIX = "pipeline-spilled "
_ORIGIN = "origin"
"""beside spilled rows: the path of the file that they belong in"""
Row: TypeAlias = tuple[Any, ...]


class Spill:
    """The reserve of one SQLite file, named after the number that the file carries wherever it is moved."""

    def __init__(self, path: Path) -> None:
        self._ballast = path.with_name("ballast")
        self._path = path
        self._number = _number_in(path)

    def fill(self) -> None:
        """Make the ballast, if the disk has room for it."""
        with suppress(OSError):
            descriptor = own_file(self._ballast, os.O_WRONLY)
            try:
                lacking = BALLAST - os.fstat(descriptor).st_size
                if lacking > 0:
                    noise = os.urandom(1 << 20)  # zeros may take no room
                    os.pwrite(descriptor, (noise * -(-lacking // len(noise)))[:lacking], BALLAST - lacking)
            except OSError:
                self._ballast.unlink(missing_ok=True)
                raise
            finally:
                os.close(descriptor)

    def free(self) -> bool:
        """Give the ballast up; True if there was any."""
        try:
            self._ballast.unlink()
        except OSError:
            return False
        return True

    def spill(self, rows: Sequence[Row]) -> str:
        """Keep rows elsewhere; gives the place, in words for people."""
        for folder in self.folders():
            with suppress(OSError):
                return str(_kept(folder, rows, self._path))
        for row in rows:
            print(PREFIX + _line(row), file=sys.stderr)
        sys.stderr.flush()
        return "standard error"

    def folders(self) -> Iterator[Path]:
        """The folders that rows may be spilled to, the best first.

        The next run may have another TMPDIR or home, so places that do not depend on them come first.
        """
        yield self._path.with_name("spill")
        cache = str(Path.home() / ".cache")
        parents = ("/var/tmp", tempfile.gettempdir(), cache, "/dev/shm")  # noqa: S108 - ours, 0700
        for parent in dict.fromkeys(parents):
            yield Path(parent) / f"pipeline-spill-{os.getuid()}-{self._number}"

    def spilled(self) -> Iterator[tuple[Path, list[Row], int]]:
        """Files of spilled rows: each with its whole rows, and how many lines of it are damaged."""
        for folder in self.folders():
            with suppress(OSError):
                _check_ours(folder)
                for file in sorted(file for file in folder.glob("*.jsonl") if file.is_file()):
                    yield file, *read_lines(file.read_bytes().decode(errors="replace").splitlines())

    def done_with(self, file: Path, *, damaged: bool) -> None:
        """Remove a file whose rows were taken in, unless they may be those of another copy of this file."""
        with suppress(OSError, ValueError):
            origin = Path(file.with_name(_ORIGIN).read_text(encoding="utf-8"))
            if origin.exists() and not origin.samefile(self._path):
                return
        if damaged:
            file.rename(file.with_suffix(".damaged"))
            return
        file.unlink()
        with suppress(OSError):
            if {one.name for one in file.parent.iterdir()} <= {_ORIGIN}:
                file.with_name(_ORIGIN).unlink(missing_ok=True)
                file.parent.rmdir()


def _number_in(path: Path) -> str:
    """The number that an SQLite file carries (its application id), or one made of the path.

    SQLite reads it, because closing a file drops all locks that this process has on it.
    """
    with (
        suppress(sqlite3.Error),
        closing(sqlite3.connect(f"file:{quote(str(path))}?mode=ro", uri=True)) as file,
    ):
        (number,) = file.execute("PRAGMA application_id").fetchone()
        if number:
            return f"{number:08x}"
    return sha256(str(path.resolve()).encode()).hexdigest()[:16]


def read_lines(lines: Iterable[str]) -> tuple[list[Row], int]:
    """The rows of spilled lines (a prefix from standard error is allowed), and how many lines are damaged."""
    rows: list[Row] = []
    damaged = 0
    for line in lines:
        try:
            rows.append(_row(line.partition(PREFIX)[2] or line))
        except (ValueError, TypeError, KeyError):
            damaged += 1
    return rows, damaged


def _line(row: Row) -> str:
    text = json.dumps([_packed(value) for value in row])
    return json.dumps({"row": text, "sha256": sha256(text.encode()).hexdigest()})


def _row(line: str) -> Row:
    read = json.loads(line)
    if sha256(read["row"].encode()).hexdigest() != read["sha256"]:
        raise ValueError("the line is damaged")
    return tuple(_unpacked(value) for value in json.loads(read["row"]))


def _packed(value: Any) -> Any:
    return {"base64": base64.b64encode(value).decode()} if isinstance(value, bytes) else value


def _unpacked(value: Any) -> Any:
    return base64.b64decode(value["base64"]) if isinstance(value, dict) else value


def _kept(folder: Path, rows: Sequence[Row], origin: Path) -> Path:
    """Write a new file into a folder of our own and sync it; `OSError` where that fails.

    It writes row by row: there may be no memory for more.
    """
    with suppress(FileExistsError):
        folder.mkdir(mode=0o700)
    _check_ours(folder)
    file = folder / f"{time.time_ns()}-{os.getpid()}.jsonl"
    descriptor = os.open(file, os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    try:
        for row in rows:
            line = (_line(row) + "\n").encode()
            while line:
                line = line[os.write(descriptor, line) :]
        os.fsync(descriptor)
        if folder.parent != origin.parent:
            folder.joinpath(_ORIGIN).write_text(str(origin.absolute()), encoding="utf-8")
    except OSError:
        file.unlink(missing_ok=True)
        raise
    finally:
        os.close(descriptor)
    return file


def _check_ours(folder: Path) -> None:
    """Refuse a folder that somebody else may have put there, or may look into."""
    state = folder.lstat()
    if not stat.S_ISDIR(state.st_mode) or state.st_uid != os.getuid() or state.st_mode & 0o077:
        raise PermissionError(f"{folder} is not ours alone")
