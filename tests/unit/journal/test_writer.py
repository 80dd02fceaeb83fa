"""The writer of the journal when there is no memory left, and when its file is damaged."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import cast

import anyio
import pytest

from pipeline.core.errors import DiskError
from pipeline.journal.spill import Spill
from pipeline.journal.writer import Writer


class Poor:
    """A connection that finds no memory for anything."""

    def execute(self, sql: str, values: object = ()) -> None:
        raise MemoryError

    def close(self) -> None:
        """There is nothing to close."""


async def test_a_writer_without_memory_keeps_what_is_under_way_and_tells_all_who_wait(tmp_path: Path) -> None:
    path = tmp_path / "journal.sqlite"
    path.touch()
    commits = Writer(path, lambda _: cast(sqlite3.Connection, Poor()), "INSERT")
    with pytest.raises(DiskError, match="no memory is left"):
        await commits.commit("INSERT", (b"digest", "row"))
    assert [rows for _, rows, _ in Spill(path).spilled()] == [[(b"digest", "row")]]
    with anyio.fail_after(5), pytest.raises(DiskError, match="no memory is left"):
        await commits.commit("INSERT", (object(),))  # the reserve cannot take it either
    with anyio.fail_after(5), pytest.raises(DiskError, match="no memory is left"):
        await commits.commit("INSERT", (b"digest", "another row"))
    commits.close()


async def test_answers_that_come_when_the_file_is_found_to_be_damaged_are_kept(tmp_path: Path) -> None:
    class Malformed(Poor):
        def execute(self, sql: str, values: object = ()) -> None:
            raise sqlite3.DatabaseError("database disk image is malformed")

    path = tmp_path / "journal.sqlite"
    path.touch()
    commits = Writer(path, lambda _: cast(sqlite3.Connection, Malformed()), "INSERT")
    with pytest.raises(DiskError, match="the journal is damaged") as caught:
        await commits.commit("INSERT", (b"digest", "row"))
    assert "put a copy of it back, then run the same command: 1 answers are saved" in caught.value.hint
    assert [rows for _, rows, _ in Spill(path).spilled()] == [[(b"digest", "row")]]
    commits.close()
