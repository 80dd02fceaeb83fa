"""A damaged journal is said to be damaged by every command, and no answer that is in it is paid for again."""

from __future__ import annotations

from collections.abc import Iterator

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
