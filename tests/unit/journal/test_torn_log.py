"""The journal's log torn at any byte: what was committed before is there, nothing else is, and it goes on."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from pipeline.core.domain import Reply
from pipeline.journal.journal import Journal
from pipeline.journal.verify import verify
from tests.support.fakes import asked, kept_reply, said

REPLIES = 4


@pytest.fixture
async def torn(tmp_path: Path) -> tuple[Path, list[int]]:
    """A journal as a kill leaves it, with a log, and the log's size after each commit."""
    path = tmp_path / "whole" / "journal.sqlite"
    path.parent.mkdir()
    journal = Journal.open(path)
    sizes = []
    for i in range(REPLIES):
        await journal.record(asked(str(i)), said(f"{i} " + "x" * 3000))
        sizes.append(path.with_name("journal.sqlite-wal").stat().st_size)
    copy = tmp_path / "killed"
    shutil.copytree(path.parent, copy)
    journal.close()
    return copy, sizes


async def test_a_log_that_is_torn_anywhere_loses_nothing_that_was_committed_before(
    torn: tuple[Path, list[int]], tmp_path: Path
) -> None:
    whole, sizes = torn
    log = (whole / "journal.sqlite-wal").read_bytes()
    assert len(log) == sizes[-1] and len(set(sizes)) == REPLIES
    cuts = {cut + more for cut in sizes for more in (-1, 0, 1)} | set(range(sizes[1], sizes[-1], 4099))
    for cut in sorted(cut for cut in cuts if sizes[0] <= cut <= sizes[-1]):
        folder = tmp_path / str(cut)
        shutil.copytree(whole, folder)
        (folder / "journal.sqlite-shm").unlink(missing_ok=True)
        (folder / "journal.sqlite-wal").write_bytes(log[:cut])
        journal = Journal.open(folder / "journal.sqlite")
        kept = sum(size <= cut for size in sizes)
        for i in range(REPLIES):
            found: Reply | None = kept_reply(journal, asked(str(i)).digest)
            assert found == (said(f"{i} " + "x" * 3000) if i < kept else None), (cut, i)
        await journal.record(asked("next"), said("goes on"))
        assert kept_reply(journal, asked("next").digest) == said("goes on")
        journal.close()
        assert verify(folder / "journal.sqlite").whole
        shutil.rmtree(folder)
