"""A damaged journal is said to be damaged by every command, and no answer that is in it is paid for again."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from tests.support.damage import COMMANDS, Damaged, assert_no_trouble, damaging
from tests.support.project import Project


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Damaged]:
    with damaging(tmp_path_factory.mktemp("finished")) as job:
        yield job


def test_any_damage_under_any_command_is_told_and_costs_nothing(finished: Damaged) -> None:
    assert_no_trouble(finished, seed=9, times=40)


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
@pytest.mark.parametrize("left", ["gone", "empty", "empty beside its log"])
def test_a_lost_journal_is_no_new_job(finished: Damaged, left: str, command: tuple[str, ...]) -> None:
    code, said = finished.call(command, None if left == "gone" else b"", log="log" in left)
    if command[0] == "show":
        return
    assert code == 74, said
    assert f"the journal is {left.split()[0]}, though there were answers in it" in said
    assert "to begin anew and pay for every answer again, remove published.json" in said


FOREIGN = "CREATE TABLE x (a); INSERT INTO x VALUES (1);"
OURS = "PRAGMA application_id = 77;"
LOST = {
    "another program's": ("", FOREIGN, "is a file of another program"),
    "an empty database": ("", "CREATE TABLE x (a); DROP TABLE x; VACUUM;", "is emptied, though"),
    "no attempts": ("journal", "DELETE FROM attempts;", "is emptied, though"),
    "no rows at all": ("journal", "DELETE FROM attempts; DELETE FROM runs;", "is emptied, though"),
    "another job's": ("journal", OURS, "is not the one that the result was written from"),
}
"""what the file is made from, the SQL that is run in it, and what is said"""


def lost(finished: Damaged, form: str) -> bytes:
    made_from, sql, _ = LOST[form]
    other = finished.project.folder / "other.sqlite"
    other.write_bytes(finished.content if made_from else b"")
    with closing(sqlite3.connect(other)) as connection:
        connection.execute("PRAGMA journal_mode = DELETE")
        connection.executescript(sql)
    return other.read_bytes()


@pytest.mark.parametrize("command", [one for one in COMMANDS if one[0] != "show"], ids=" ".join)
@pytest.mark.parametrize("form", LOST)
def test_another_journal_beside_a_result_is_no_new_job(
    finished: Damaged, form: str, command: tuple[str, ...]
) -> None:
    content, before = lost(finished, form), finished.billed()
    code, said = finished.call(command, content)
    assert code == 74, said
    assert f"the journal {LOST[form][2]}" in said
    assert "pay for every answer" in said
    assert "remove published.json" in said
    assert finished.billed() == before
    assert finished.journal.read_bytes() == content
    assert finished.is_as_it_was("posts.csv")
    assert finished.is_as_it_was("published.json")


@pytest.mark.parametrize("form", [form for form in LOST if form != "another job's"])
def test_a_receipt_of_an_earlier_version_tells_that_answers_are_lost(finished: Damaged, form: str) -> None:
    content = lost(finished, form)
    with finished.earlier_receipt():
        for command in (("run", "job.yaml"), ("export", "job.yaml")):
            code, said = finished.call(command, content)
            assert (code, f"the journal {LOST[form][2]}" in said) == (74, True), said
        assert finished.call(("run", "job.yaml"), finished.content)[0] == 0
        assert "journal" in json.loads((finished.folder / "published.json").read_text())


def test_a_journal_may_move_and_lose_some_answers_and_one_may_begin_anew(project: Project) -> None:
    project.job()
    assert project.run("run", "job.yaml").returncode == 0
    folder = project.folder / "output/shop"
    folder.rename(project.folder / "output/store")
    project.job(name="store", output={"to": "output/store/posts.csv"})
    moved = project.folder / "output/store"
    assert project.run("run", "job.yaml").returncode == 0
    with closing(sqlite3.connect(moved / "journal.sqlite", isolation_level=None)) as journal:
        journal.execute("DELETE FROM attempts WHERE record = '009'")
    assert "1 request sent, 2 answered by the journal" in project.run("run", "job.yaml").stdout
    for key in ("007", "008", "009"):
        assert project.run("journal", "forget", "job.yaml", "--key", key).returncode == 0
    assert project.run("run", "job.yaml").returncode == 0
    assert_refused_until_removed(project, moved)


def assert_refused_until_removed(project: Project, folder: Path) -> None:
    """Where the answers are lost, what the hint says helps, and the old table is kept."""
    with closing(sqlite3.connect(folder / "journal.sqlite", isolation_level=None)) as journal:
        journal.execute("DELETE FROM attempts")
    assert project.run("run", "job.yaml").returncode == 74
    before = (folder / "posts.csv").read_bytes()
    (folder / "published.json").unlink()
    assert project.run("run", "job.yaml").returncode == 0
    assert before in [file.read_bytes() for file in folder.glob("posts*.csv*")]


def test_a_job_without_answers_has_lost_nothing(project: Project) -> None:
    project.job()
    assert project.run("export", "job.yaml").returncode == 75
    assert (project.folder / "output/shop/published.json").exists()
    assert project.run("run", "job.yaml").returncode == 0


@pytest.mark.parametrize("version", [0, 1, 3])
def test_another_version_is_not_taken_for_an_older_or_an_empty_journal(
    finished: Damaged, version: int
) -> None:
    content = finished.content[:60] + version.to_bytes(4, "big") + finished.content[64:]
    for command in COMMANDS:
        assert not finished.trouble(command, content)
