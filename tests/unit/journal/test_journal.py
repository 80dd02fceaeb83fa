"""What `record` returned from is on the disk, whatever happens next."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import anyio
import pytest

from pipeline.core.domain import Billed, Fate, Fault, Reply, Request, Usage
from pipeline.core.errors import DiskError
from pipeline.journal import accounts
from pipeline.journal.journal import Journal
from tests.support.fakes import asked, kept_reply, last_fault, said


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    opened = Journal.open(tmp_path / "journal.sqlite")
    yield opened
    opened.close()


def rows(journal: Journal, columns: str) -> list[tuple[object, ...]]:
    """Columns of all attempts, in the order of writing, as another program reads them."""
    with closing(sqlite3.connect(journal.path)) as plain:
        return plain.execute(f"SELECT {columns} FROM attempts ORDER BY seq").fetchall()


async def test_a_reply_is_found_again_byte_for_byte(journal: Journal) -> None:
    body = b'\x00\xff{"a":\xf0\x9f\x98\x80' + bytes(range(256))
    await journal.record(asked("a"), Reply("chat", body, 1.5))
    assert kept_reply(journal, asked("a").digest) == Reply("chat", body, 1.5)
    assert kept_reply(journal, asked("b").digest) is None


async def test_who_asked_is_no_part_of_what_is_found(journal: Journal) -> None:
    await journal.record(asked("a", step="one", key="1"), said("x"))
    assert kept_reply(journal, asked("a", step="two", key="2").digest) is not None


async def test_any_sqlite_can_read_it_while_it_is_written(journal: Journal) -> None:
    await journal.record(asked("a", step="post", key="sku-7"), said("an answer"))
    with sqlite3.connect(f"file:{journal.path}?mode=ro", uri=True) as plain:
        row = plain.execute(
            "SELECT digest, outcome, billed, model, step, record, body FROM readable"
        ).fetchone()
        assert plain.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    plain.close()
    digest, *rest, body = row
    assert digest == asked("a").digest.hex()
    assert rest == ["answered", "yes", "m", "post", "sku-7"]
    assert "an answer" in body


async def test_the_file_is_for_its_owner_only(journal: Journal) -> None:
    await journal.record(asked("a"), said("x"))
    assert {file.stat().st_mode & 0o777 for file in journal.path.parent.iterdir()} == {0o600}


async def test_a_reply_that_answers_nothing_is_kept_as_it_came_and_not_found(journal: Journal) -> None:
    page = Fault("unreadable", "a page", fate=Fate.RETRY, billed=Billed.MAYBE, body=b"cut")
    await journal.refuse(asked("a"), Reply("chat", b"<html>", 1.5), page, 1_500)
    assert kept_reply(journal, asked("a").digest) is None
    assert not journal.is_empty()
    fault = last_fault(journal, asked("a").digest)
    assert fault is not None
    assert (fault.kind, fault.message, fault.fate, fault.billed) == (
        "unreadable", "a page", Fate.RETRY, Billed.MAYBE,
    )  # fmt: skip
    assert rows(journal, "body, seconds, cost, input") == [(b"<html>", 1.5, 1_500, None)]


async def test_a_reply_is_one_row_with_what_it_used_and_cost(journal: Journal) -> None:
    await journal.record(asked("a"), said("x"), Usage(9, 8, 7, 6, 5), 1_500)
    assert rows(journal, "input, cached, output, reasoning, cost") == [(9, 7, 8, 5, 1_500)]
    assert journal.uncounted(["m"]) == []
    assert kept_reply(journal, asked("a").digest) == said("x")


async def test_a_reply_that_nobody_could_read_is_counted_later(journal: Journal) -> None:
    await journal.record(asked("a"), said("x"))
    ((seq, *_, body),) = journal.uncounted([])
    assert body == said("x").body
    journal.count_row(seq, Usage(3, 4), 5)
    await journal.settle()
    assert rows(journal, "input, output, cost") == [(3, 4, 5)]


async def test_a_failed_attempt_is_kept_with_its_body_and_its_time(journal: Journal) -> None:
    journal.note(asked("a"), Fault("server_error", "oh", fate=Fate.RETRY, body=b"half a reply"), 2.5, 7)
    await journal.settle()
    assert rows(journal, "outcome, body, seconds, cost") == [("server_error", b"half a reply", 2.5, 7)]


async def test_only_what_was_paid_for_stands_back(journal: Journal) -> None:
    journal.note(asked("a"), Fault("server_error", "unpaid", fate=Fate.RETRY), 0.1)
    journal.note(asked("a"), Fault("too_large", "paid", billed=Billed.YES), 0.1)
    await journal.record(asked("a"), said("x"))
    await journal.record(asked("b"), said("y"))
    await journal.supersede(asked("a"))
    kept = [("server_error", "retry"), ("superseded", ""), ("superseded", ""), ("answered", "")]
    assert rows(journal, "outcome, fate") == kept
    assert kept_reply(journal, asked("a").digest) is None


async def test_of_several_replies_the_latest_is_found(journal: Journal) -> None:
    await journal.record(
        asked("a"), Reply("chat", b"<html>")
    )  # an earlier program, killed before it had read it
    await journal.record(asked("a"), said("good"))
    assert kept_reply(journal, asked("a").digest) == said("good")


async def test_the_last_fault_is_the_last(journal: Journal) -> None:
    assert last_fault(journal, asked("a").digest) is None
    journal.note(asked("a"), Fault("server_error", "one", fate=Fate.RETRY, billed=Billed.MAYBE), 0.1)
    journal.note(asked("a"), Fault("bad_request", "two", body=b"why"), 0.1)
    await journal.record(asked("b"), said("x"))
    fault = last_fault(journal, asked("a").digest)
    assert fault is not None
    assert (fault.kind, fault.message, fault.fate, fault.billed) == (
        "bad_request",
        "two",
        Fate.FAIL,
        Billed.NO,
    )


@pytest.mark.parametrize("word", ["\ud800", "a\udfffb", "\x00"])
async def test_words_that_are_no_unicode_do_not_stop_the_journal(word: str, journal: Journal) -> None:
    with anyio.fail_after(5):
        await journal.record(asked("a", step=word, key=word), said("x"))
        await journal.refuse(asked("a"), said("x"), Fault("unreadable", word))
        journal.note(Request("chat", word, b"{}"), Fault("bad_request", word), 0)
        await journal.record(asked("b"), said("x"))
    assert kept_reply(journal, asked("b").digest) is not None
    assert last_fault(journal, asked("a").digest) is not None


async def test_a_row_that_cannot_be_written_costs_no_other_row_of_its_commit(journal: Journal) -> None:
    bad = Reply("chat", b"", float("nan"))  # which SQLite takes for null
    with anyio.fail_after(5):
        kept = [journal.record(asked(str(i)), said(str(i))) for i in range(20)]
        outcomes = await asyncio.gather(*kept, journal.record(asked("bad"), bad), return_exceptions=True)
        await journal.record(asked("later"), said("x"))
    assert [type(outcome) for outcome in outcomes] == [type(None)] * 20 + [DiskError]
    assert all(kept_reply(journal, asked(str(i)).digest) == said(str(i)) for i in range(20))


async def test_a_journal_that_is_gone_is_noticed_before_the_next_commit(journal: Journal) -> None:
    await journal.record(asked("a"), said("x"))
    journal.path.rename(journal.path.with_name("moved"))
    with pytest.raises(DiskError, match="moved or deleted"):
        await journal.record(asked("b"), said("y"))


async def test_a_damaged_journal_is_an_error_with_a_hint(tmp_path: Path) -> None:
    path = tmp_path / "j"
    journal = Journal.open(path)
    for i in range(200):
        await journal.record(asked(str(i)), said("x" * 500))
    journal.close()
    content = bytearray(path.read_bytes())
    content[4096:20480] = bytes(16384)
    path.write_bytes(content)
    damaged = Journal.read_only(path)
    with pytest.raises(DiskError) as caught:
        for i in range(200):
            kept_reply(damaged, asked(str(i)).digest)
        accounts.by_outcome(damaged)
    assert "put a copy of the journal back" in caught.value.hint
    damaged.close()


def commits(journal: Journal) -> int:
    """How many commits stand in the log of SQLite: their last frames tell the size of the database."""
    log = Path(f"{journal.path}-wal").read_bytes()
    frame = 24 + int.from_bytes(log[8:12], "big")
    return sum(log[at + 4 : at + 8] != bytes(4) for at in range(32, len(log), frame))


async def test_a_thousand_replies_at_once_are_a_few_commits(journal: Journal) -> None:
    await journal.record(asked("before"), said("x"))
    before = commits(journal)
    await asyncio.gather(*(journal.record(asked(str(i)), said(str(i))) for i in range(1000)))
    assert 1 <= commits(journal) - before <= 100
    assert all(kept_reply(journal, asked(str(i)).digest) == said(str(i)) for i in range(1000))
    with sqlite3.connect(journal.path) as plain:
        times = plain.execute("SELECT count(*) FROM attempts").fetchone()
    plain.close()
    assert times == (1001,)


async def test_a_cancelled_record_is_written_all_the_same(journal: Journal) -> None:
    with anyio.move_on_after(0.001) as scope:
        await journal.record(asked("a"), said("x"))
    await journal.record(asked("b"), said("y"))
    assert scope.cancelled_caught
    assert kept_reply(journal, asked("a").digest) == said("x")


async def test_closing_writes_what_waits(tmp_path: Path) -> None:
    journal = Journal.open(tmp_path / "j")
    journal.begin_run(b"digest")
    for i in range(700):
        journal.note(asked(str(i)), Fault("server_error", "x", fate=Fate.RETRY), 0)
    journal.end_run("finished", {"rows": 3, "at": Path("x")})
    journal.close()
    again = Journal.read_only(tmp_path / "j")
    last = again.last_run()
    assert accounts.by_outcome(again) == [("s", "server_error", "no", 700, 0.0)]
    assert last is not None
    assert (last.job, last.outcome) == (b"digest", "finished")
    assert (last.numbers["rows"], last.numbers["at"]) == (3, "x")
    again.close()


async def test_a_killed_run_has_no_outcome(tmp_path: Path) -> None:
    journal = Journal.open(tmp_path / "j")
    assert journal.last_run() is None
    journal.begin_run(b"one")
    await journal.record(asked("a"), said("x"))
    last = journal.last_run()
    assert last is not None
    assert last.outcome == ""
    journal.close()


def test_reading_makes_no_file(tmp_path: Path) -> None:
    journal = Journal.read_only(tmp_path / "none")
    assert kept_reply(journal, b"x") is None
    assert journal.is_empty()
    journal.close()
    assert list(tmp_path.iterdir()) == []
