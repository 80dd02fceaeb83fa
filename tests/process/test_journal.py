"""A journal that comes to harm: killed, full, torn, too new, no journal at all."""

from __future__ import annotations

import signal
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import anyio
import pytest

from pipeline.core.domain import Reply
from pipeline.core.errors import DiskError
from pipeline.journal.database import VERSION
from pipeline.journal.journal import Journal
from tests.support import ROOT
from tests.support.fakes import asked, chat_body, kept_reply, said


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    opened = Journal.open(tmp_path / "journal.sqlite")
    yield opened
    opened.close()


@pytest.mark.parametrize("opened", [Journal.open, Journal.read_only])
def test_a_newer_journal_is_refused_and_left_alone(opened: object, tmp_path: Path) -> None:
    path = tmp_path / "j"
    Journal.open(path).close()
    with sqlite3.connect(path) as plain:
        plain.execute(f"PRAGMA user_version = {VERSION + 1}")
    plain.close()
    for _ in range(2):
        with pytest.raises(DiskError, match=f"version {VERSION + 1}") as error:
            opened(path)  # type: ignore[operator]
        assert "newer program" in error.value.hint


def test_what_is_no_journal_is_refused(tmp_path: Path) -> None:
    (tmp_path / "j").write_bytes(b"this is no database at all" * 100)
    with pytest.raises(DiskError, match="cannot be opened"):
        Journal.open(tmp_path / "j")


_KILLED = """
import asyncio, os, sys
from pathlib import Path
from pipeline.journal.journal import Journal
from tests.support.fakes import asked, kept_reply, said

async def main():
    journal = Journal.open(Path(sys.argv[1]))
    for i in range(int(sys.argv[2])):
        await journal.record(asked(str(i)), said(str(i)))
        os.write(1, b"%d\\n" % i)
    os.kill(os.getpid(), 9)

asyncio.run(main())
"""


@pytest.mark.parametrize("replies", [1, 7, 40])
def test_what_record_returned_from_survives_a_kill(replies: int, tmp_path: Path) -> None:
    path = tmp_path / "j"
    command = [sys.executable, "-c", _KILLED, str(path), str(replies)]
    done = subprocess.run(command, capture_output=True, cwd=ROOT, timeout=60)
    assert done.returncode == -signal.SIGKILL, done.stderr
    told = [int(line) for line in done.stdout.split()]
    journal = Journal.open(path)
    assert told == list(range(replies))
    assert all(kept_reply(journal, asked(str(i)).digest) == said(str(i)) for i in told)
    journal.close()


_FULL = """
import asyncio, resource, signal, sys
from pathlib import Path
from pipeline.core.errors import DiskError
from pipeline.core.domain import Reply
from pipeline.journal.journal import Journal
from tests.support.fakes import asked, kept_reply, said

async def main():
    journal = Journal.open(Path(sys.argv[1]))
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 20, 1 << 20))
    kept = 0
    try:
        for i in range(1000):
            await asyncio.wait_for(journal.record(asked(str(i)), Reply("chat", b"x" * 20_000)), 10)
            kept += 1
    except DiskError as error:
        print(error, flush=True)
    try:
        await asyncio.wait_for(journal.record(asked("more"), said("x")), 10)
    except DiskError:
        print("still refused")
    print(all(kept_reply(journal, asked(str(i)).digest) for i in range(kept)), kept)
    journal.close()

asyncio.run(main())
"""


def test_a_full_disk_is_an_error_and_what_was_kept_can_be_read(tmp_path: Path) -> None:
    path = tmp_path / "j"
    command = [sys.executable, "-c", _FULL, str(path)]
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, timeout=60)
    assert done.returncode == 0, done.stderr
    error, *_, refused, read = done.stdout.strip().splitlines()
    assert "cannot be written" in error
    assert refused == "still refused"
    all_read, kept = read.split()
    assert all_read == "True"
    assert int(kept) > 5
    journal = Journal.open(path)
    assert all(kept_reply(journal, asked(str(i)).digest) for i in range(int(kept)))
    anyio.run(journal.record, asked("after"), said("there is room again"))
    assert kept_reply(journal, asked("after").digest) is not None
    journal.close()


async def test_a_very_large_reply_is_kept(journal: Journal) -> None:
    reply = Reply("chat", chat_body("x" * (20 << 20)))
    await journal.record(asked("a"), reply)
    assert kept_reply(journal, asked("a").digest) == reply
