"""A row that is not what was written is never used, is named once, and is asked for again."""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path

import pytest

from pipeline.core.domain import Reply
from pipeline.core.errors import DiskError
from pipeline.journal.journal import Damage, Journal
from pipeline.journal.verify import verify
from tests.support.fakes import asked, chat_body, kept_reply, said
from tests.support.journals import change

FLIPS = 150


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    opened = Journal.open(tmp_path / "journal.sqlite")
    yield opened
    opened.close()


@pytest.mark.parametrize(
    "damage",
    [
        "body = CAST(replace(CAST(body AS TEXT), 'a', 'b') AS BLOB)",
        "body = substr(body, 1, 10)",
        "body = 'text'",
        "digest = zeroblob(32)",
        "api = 'responses'",
        "model = 'another'",
        "step = CAST(x'ff00' AS TEXT)",
        "record = NULL || 'x'",
        "record = 'another'",
        "at = at + 0.001",
        "seconds = 'long'",
        "endpoint = 'b'",
        "sum = sum + 1",
        "sum = ''",
    ],
)
async def test_a_row_with_a_change_in_it_is_not_used(damage: str, journal: Journal) -> None:
    told: list[Damage] = []
    journal.on_damage = told.append
    await journal.record(asked("a", key="1"), said("a"))
    await journal.record(asked("b", key="2"), said("b"))
    change(journal.path, "UPDATE OR IGNORE attempts SET " + damage + " WHERE seq = 1")
    if "NULL" in damage:  # refused by the table
        assert kept_reply(journal, asked("a").digest) == said("a")
        return
    for _ in range(3):
        assert kept_reply(journal, asked("a").digest) is None
        assert kept_reply(journal, asked("b").digest) == said("b")
    assert [one.seq for one in told] == ([] if "digest" in damage else [1])
    verdict = verify(journal.path)
    assert [one.seq for one in verdict.damaged] == [1]
    assert (verdict.rows, verdict.answered, verdict.whole) == (2, 2, False)


@pytest.mark.parametrize("change_", ["outcome = 'superseded'", "cost = 5", "input = 7", "billed = 'maybe'"])
async def test_what_is_noted_later_does_not_damage_a_row(change_: str, journal: Journal) -> None:
    await journal.record(asked("a"), said("a"))
    change(journal.path, f"UPDATE attempts SET {change_}")
    assert verify(journal.path).whole


async def test_a_good_row_behind_a_damaged_one_is_found(journal: Journal) -> None:
    for text in ("first", "second"):
        await journal.record(asked("a"), said(text))
    change(journal.path, "UPDATE attempts SET body = x'00' WHERE seq = 2")
    assert kept_reply(journal, asked("a").digest) == said("first")


async def test_bits_that_flip_in_the_file_never_make_a_wrong_answer(tmp_path: Path) -> None:
    path = tmp_path / "journal.sqlite"
    journal = Journal.open(path)
    replies = {f"{i}": Reply("chat", chat_body(f"answer {i} " * 40), 0.5) for i in range(30)}
    for text, reply in replies.items():
        await journal.record(asked(text), reply)
    journal.close()
    content, flips = path.read_bytes(), random.Random(17)
    unused = 0
    for _ in range(FLIPS):
        spoilt = bytearray(content)
        spoilt[flips.randrange(100, len(content))] ^= 1 << flips.randrange(8)
        path.write_bytes(spoilt)
        try:
            reader = Journal.read_only(path)
        except DiskError:
            unused += 1
            continue
        found = {text: looked_up(reader, text) for text in replies}
        reader.close()
        unused += any(reply is None for reply in found.values())
        assert all(reply in (None, replies[text]) for text, reply in found.items())
    assert unused > FLIPS / 4, "the flips must hit something"


def looked_up(journal: Journal, text: str) -> Reply | None:
    try:
        return kept_reply(journal, asked(text).digest)
    except DiskError:
        return None


async def test_a_page_that_is_lost_costs_its_rows_alone_and_is_named(tmp_path: Path) -> None:
    path = tmp_path / "journal.sqlite"
    journal = Journal.open(path)
    for i in range(60):
        await journal.record(asked(str(i)), said("x" * 500))
    journal.close()
    content = bytearray(path.read_bytes())
    page = content.index(b"x" * 500) // 4096
    content[page * 4096 : (page + 1) * 4096] = bytes(4096)
    path.write_bytes(content)
    reader = Journal.read_only(path)
    found = [looked_up(reader, str(i)) for i in range(60)]
    reader.close()
    verdict = verify(path)
    assert found.count(None) == len(verdict.unreadable) < 10
    assert found.count(said("x" * 500)) == 60 - found.count(None)
    assert any(f"bytes {page * 4096:,} to {page * 4096 + 4095:,}" in line for line in verdict.pages)


async def test_rows_of_a_program_without_checksums_are_believed(journal: Journal) -> None:
    await journal.record(asked("a"), said("a"))
    change(journal.path, "UPDATE attempts SET sum = NULL")
    assert kept_reply(journal, asked("a").digest) == said("a")
    verdict = verify(journal.path)
    assert (verdict.whole, verdict.unsummed) == (True, 1)


def test_a_journal_that_is_not_there_is_whole(tmp_path: Path) -> None:
    assert verify(tmp_path / "none").whole
    assert list(tmp_path.iterdir()) == []
