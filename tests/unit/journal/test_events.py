"""Events are written in groups, and a warning at once."""

from __future__ import annotations

import json
import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import anyio
import pytest

from pipeline.core.errors import DiskError
from pipeline.journal.events import LATEST, events_to


def lines(path: Path) -> list[dict[str, Any]]:
    """The events that are in the file."""
    return [json.loads(line) for line in path.read_bytes().splitlines()]


async def test_an_event_is_in_the_file_soon(tmp_path: Path) -> None:
    assert LATEST <= 0.5
    with events_to(tmp_path / "e") as events:
        events.info("one", seconds=0.5)
        events.info("two")
        assert lines(tmp_path / "e") == []
        with anyio.fail_after(30):
            while len(lines(tmp_path / "e")) < 2:
                await anyio.sleep(0.01)
        first, second = lines(tmp_path / "e")
    assert (first["event"], first["level"], first["seconds"], second["event"]) == ("one", "info", 0.5, "two")
    assert abs(datetime.fromisoformat(first["at"]) - datetime.now(UTC)).total_seconds() < 60


async def test_a_warning_is_in_the_file_at_once_behind_what_came_before(tmp_path: Path) -> None:
    with events_to(tmp_path / "e") as events:
        events.info("before")
        events.warning("request.failed", kind="timeout")
        assert [(one["event"], one["level"]) for one in lines(tmp_path / "e")] == [
            ("before", "info"), ("request.failed", "warning"),
        ]  # fmt: skip


async def test_the_end_writes_what_waits_behind_what_an_earlier_run_wrote(tmp_path: Path) -> None:
    for name in ("first run", "second run"):
        with events_to(tmp_path / "e") as events:
            events.info(name)
    assert [one["event"] for one in lines(tmp_path / "e")] == ["first run", "second run"]


def test_without_a_loop_an_event_is_written_at_once(tmp_path: Path) -> None:
    with events_to(tmp_path / "e") as events:
        events.info("now")
        assert len(lines(tmp_path / "e")) == 1


@pytest.mark.parametrize("words", ["\ud800", "tea\nand more", "日本語", Path("/x")])
def test_whatever_is_in_an_event_it_is_one_line_of_json(words: object, tmp_path: Path) -> None:
    with events_to(tmp_path / "e") as events:
        events.info("odd", key=words)
    (event,) = lines(tmp_path / "e")
    assert event["key"] == str(words)


def test_a_disk_that_takes_nothing_silences_events_and_one_that_takes_little_is_given_the_rest(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write = os.write
    with events_to(tmp_path / "e") as events:
        monkeypatch.setattr("os.write", lambda file, content: write(file, content[:7]))
        events.info("slowly")
        monkeypatch.setattr("os.write", lambda *_: os.truncate("/nowhere", 0))
        events.warning("lost")
        monkeypatch.undo()
    assert [one["event"] for one in lines(tmp_path / "e")] == ["slowly"]


def test_a_file_that_cannot_be_opened_is_named(tmp_path: Path) -> None:
    with pytest.raises(DiskError, match="cannot be written"), events_to(tmp_path):
        pass
