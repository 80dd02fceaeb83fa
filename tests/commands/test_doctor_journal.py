"""doctor: what it finds of a job that has run, and of the machine."""

from __future__ import annotations

import resource
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from pipeline import load
from pipeline.core.health import Check
from pipeline.journal.spill import Spill
from pipeline.runs.doctor import exit_code, looked_at
from pipeline.system import resources
from pipeline.system.lock import locked
from tests.support.doctor import looked
from tests.support.project import Project


@pytest.fixture
def ran(project: Project) -> Project:
    """A project whose job has run."""
    project.job()
    assert project.run("run", "job.yaml").returncode == 0
    return project


def change(project: Project, sql: str) -> None:
    path = project.folder / "output/shop/journal.sqlite"
    with closing(sqlite3.connect(path, isolation_level=None)) as plain:
        plain.execute(sql)


def test_what_is_wrong_with_a_journal_is_said(ran: Project) -> None:
    file, path = ran.folder / "job.yaml", ran.folder / "output/shop/journal.sqlite"
    change(ran, "UPDATE attempts SET input = NULL WHERE seq = 1")
    assert any(
        "1 answers are not counted yet" in check.said for check in looked_at(lambda: load(file), "0.1")
    )
    change(ran, "UPDATE attempts SET body = x'00' WHERE seq = 2")
    assert looked(file)["journal"].state == "warn"
    change(ran, "PRAGMA user_version = 99")
    assert looked(file)["journal"].code == 74
    path.write_bytes(b"no database at all" * 1000)
    assert looked(file)["journal"].code == 74


def test_what_waits_in_a_reserve_is_said(ran: Project) -> None:
    path = ran.folder / "output/shop/journal.sqlite"
    spilled = Path(Spill(path).spill([(b"digest",)]))
    (spilled.parent / "old.damaged").write_text("half")
    said = [
        check.said
        for check in looked_at(lambda: load(ran.folder / "job.yaml"), "0.1")
        if check.name == "reserve"
    ]
    assert said[0].startswith("1 answers wait in")
    assert "old.damaged" in said[1]
    path.with_name("ballast").unlink()
    assert (
        looked(ran.folder / "job.yaml")["reserve"].said
        == "there is no ballast (a file that reserves room for a full disk)"
    )


def test_a_live_run_and_open_rights_are_said(ran: Project) -> None:
    folder = ran.folder / "output/shop"
    folder.chmod(0o755)
    (folder / "journal.sqlite").chmod(0o644)
    with locked(folder):
        checks = looked(ran.folder / "job.yaml")
    assert checks["lock"].state == "warn"
    assert "chmod -R go-rwx" in checks["folder"].hint
    assert "journal.sqlite" in checks["folder"].said


def test_a_disk_that_is_too_small_is_bad(ran: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    usage = type("Usage", (), {"free": 9_000_000})()
    monkeypatch.setattr("shutil.disk_usage", lambda _: usage)
    assert looked(ran.folder / "job.yaml")["disk"].state == "warn"
    usage.free = 1_000_000
    checks = looked(ran.folder / "job.yaml")
    assert (checks["disk"].state, checks["disk"].code) == ("bad", 74)
    assert exit_code(list(checks.values())) == 74


def test_a_folder_that_cannot_be_written_is_bad(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.access", lambda *_: False)
    (check,) = resources.of_folder(tmp_path / "new" / "job")
    assert (check.state, check.code) == ("bad", 74)
    assert str(tmp_path) in check.said


def test_a_network_file_system_is_noticed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    mounts = tmp_path / "mountinfo"
    (tmp_path / "a b").mkdir()
    share = str(tmp_path / "a b").replace(" ", "\\040")
    mounts.write_text(
        "1 0 8:1 / / rw - ext4 /dev/a rw\n"
        f"2 1 0:1 / {share} rw,relatime shared:1 - nfs4 host:/x rw\n"
        f"3 1 0:2 / {share}2 rw - tmpfs tmpfs rw\n"
    )
    monkeypatch.setattr(resources, "MOUNTS", mounts)
    assert resources.filesystem(tmp_path / "a b") == "nfs4"
    assert resources.filesystem(tmp_path) == "ext4"
    assert [check.state for check in resources.of_folder(tmp_path / "a b" / "job")] == ["ok", "warn"]
    mounts.unlink()
    assert resources.filesystem(tmp_path) == ""


def test_too_few_open_files_are_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(resource, "getrlimit", lambda _: (256, 1024))
    assert resources.of_open_files(1024).state == "warn"
    assert resources.of_open_files(100).state == "ok"


def test_of_several_troubles_the_first_to_mend_is_the_exit_code() -> None:
    def one(code: int) -> Any:
        return Check("x", "bad", "", code=code)

    assert exit_code([one(4), one(74), one(2)]) == 2
    assert exit_code([one(75), one(4), one(74)]) == 74
    assert exit_code([one(75), one(4)]) == 4
    assert exit_code([one(4)]) == 4
    assert exit_code([Check("x", "warn", "")]) == 0
