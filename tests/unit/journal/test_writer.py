"""The writer of the journal when there is no memory left."""

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
