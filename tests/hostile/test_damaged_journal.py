"""A damaged journal is said to be damaged by every command, and no answer that is in it is paid for again."""

from __future__ import annotations

import random
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from pipeline.testing import Script
from tests.support.damage import COMMANDS, Damaged
from tests.support.project import Project
from tests.support.server import serve

ODD = ("NULL", "''", "'x'", "x'ff00fe'", "-1", "9223372036854775807", "1e400", "0.5", "CAST(x'fffe' AS TEXT)")
"""values that a damaged column may have"""


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Damaged]:
    project = Project(tmp_path_factory.mktemp("finished"))
    with serve(Script(tokens=40)) as server:
        model = {"model": "m", "base_url": server.base_url, "api_key_env": "TEST_KEY"}
        models = {"writer": model | {"price": {"input": 1, "output": 2}}}
        project.job(server.base_url, records=Project.numbered(30), models=models)
        assert project.run("run", "job.yaml").returncode == 0
        yield Damaged(project, lambda: server.ledger().billed)


def flipped_or_cut(content: bytes, chance: random.Random) -> bytes:
    """The journal, cut off anywhere, or with one bit changed: in its head, its tables' names, or anywhere."""
    if chance.random() < 0.2:
        return content[: chance.randrange(len(content))]
    at = chance.randrange(chance.choice((100, 4096, len(content), len(content))))
    return content[:at] + bytes([content[at] ^ 1 << chance.randrange(8)]) + content[at + 1 :]


def with_an_odd_value(content: bytes, chance: random.Random, other: Path) -> bytes:
    """The journal, with a value of another kind in one of its columns."""
    other.write_bytes(content)
    with closing(sqlite3.connect(other, isolation_level=None)) as journal:
        tables = [(table, *row) for table in ("attempts", "runs") for row in columns(journal, table)]
        journal.execute("PRAGMA writable_schema = ON")
        journal.execute("UPDATE sqlite_master SET sql = replace(sql, 'NOT NULL', '')")
    table, column = chance.choice(tables)
    with closing(sqlite3.connect(other, isolation_level=None)) as journal:
        journal.execute(f"UPDATE {table} SET {column} = {chance.choice(ODD)} WHERE rowid % 3 = 1")
    return other.read_bytes()


def columns(journal: sqlite3.Connection, table: str) -> list[tuple[str]]:
    return journal.execute(f"SELECT name FROM pragma_table_info('{table}') WHERE name <> 'seq'").fetchall()


def assert_no_trouble(finished: Damaged, seed: int, times: int) -> None:
    """Damage it so often, each time under one command."""
    chance = random.Random(seed)
    for number in range(times):
        if chance.random() < 0.7:
            content = flipped_or_cut(finished.content, chance)
        else:
            content = with_an_odd_value(finished.content, chance, finished.project.folder / "other.sqlite")
        command = chance.choice(COMMANDS)
        trouble = finished.trouble(command, content)
        assert not trouble, f"damage {number} of seed {seed}, {' '.join(command)}: {trouble}"


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
