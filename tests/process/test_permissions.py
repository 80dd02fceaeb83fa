"""What a run makes is for its owner alone, whatever the umask; results elsewhere follow the umask."""

from __future__ import annotations

import os
import signal
import stat
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest

from pipeline.journal.spill import Spill
from tests.support.project import Project
from tests.support.row_files import ARTICLES
from tests.support.row_files import job as files_job

INSIDE = ["output/shop/a.csv", "output/shop/b.parquet", "output/shop/c.jsonl.gz", "output/shop/d.xlsx"]


def rights(path: Path) -> int:
    return stat.S_IMODE(path.lstat().st_mode)


def too_open(folder: Path) -> dict[str, str]:
    """What others than the owner may do something with."""
    everything = [folder, *folder.rglob("*")]
    return {str(path): oct(rights(path)) for path in everything if rights(path) & 0o077}


def run(project: Project, umask: int, home: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        project.command("run", "job.yaml"), cwd=project.folder, env=project.environment(TMPDIR=str(home)),
        preexec_fn=lambda: os.umask(umask) and None, capture_output=True, text=True, timeout=60,
    )  # fmt: skip


def job(project: Project, to: list[str], **options: Any) -> None:
    faults = [{"match": "lamp", "fault": "refusal"}]
    model = {"provider": "scripted", "model": "m", "options": {"faults": faults, **options}}
    project.job(models={"writer": model}, output={"to": to})


@pytest.fixture
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("home")


def test_every_file_and_folder_a_run_makes_is_its_owners_alone(project: Project, home: Path) -> None:
    job(project, [*INSIDE, "results/posts.csv"])
    done = run(project, 0o000, home)
    assert done.returncode == 3, done.stderr
    made = {path.name for path in (project.folder / "output").rglob("*")}
    assert {"journal.sqlite", "lock", "events.jsonl", "failures.csv", "ballast", "d.xlsx"} <= made
    assert too_open(project.folder / "output") == {}
    assert too_open(home) == {}
    assert rights(project.folder / "results") == 0o700


def test_a_run_that_is_killed_leaves_nothing_open(project: Project, home: Path) -> None:
    job(project, INSIDE, latency=30)
    live = subprocess.Popen(
        project.command("run", "job.yaml"), cwd=project.folder, env=project.environment(TMPDIR=str(home)),
        preexec_fn=lambda: os.umask(0) and None, stderr=subprocess.PIPE,
    )  # fmt: skip
    folder = project.folder / "output/shop"
    wanted = {"control.sock", "journal.sqlite-wal", "journal.sqlite-shm", "lock", "events.jsonl"}
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline and not all((folder / name).exists() for name in wanted):
        time.sleep(0.02)
    live.send_signal(signal.SIGKILL)
    live.communicate()
    assert wanted <= {path.name for path in folder.iterdir()}
    assert too_open(project.folder / "output") == too_open(home) == {}


def test_a_result_elsewhere_follows_the_umask(project: Project, home: Path) -> None:
    (project.folder / "results").mkdir(mode=0o755)
    job(project, ["results/posts.csv"])
    run(project, 0o027, home)
    assert rights(project.folder / "results/posts.csv") == 0o640
    assert rights(project.folder / "output/shop/failures.csv") == 0o600


def test_a_result_that_was_closed_to_others_stays_closed(project: Project, home: Path) -> None:
    (project.folder / "posts.csv").write_text("old")
    (project.folder / "posts.csv").chmod(0o600)
    job(project, ["posts.csv"])
    run(project, 0o022, home)
    assert "lamp" in (project.folder / "posts.csv").read_text()
    assert rights(project.folder / "posts.csv") == 0o600


@pytest.mark.parametrize("blocked", [False, True])
def test_what_is_spilled_is_its_owners_alone(
    blocked: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    folder = tmp_path / "job"
    folder.mkdir(mode=0o700)
    if blocked:
        (folder / "spill").touch()
    before = os.umask(0)
    try:
        where = Path(Spill(folder / "journal.sqlite").spill([(b"digest", "row")]))
    finally:
        os.umask(before)
    if blocked:
        assert not where.is_relative_to(folder) and where.parent.parent.is_dir()
    else:
        assert where.parent.parent == folder
    assert rights(where) == 0o600
    assert rights(where.parent) == 0o700
    Spill(folder / "journal.sqlite").done_with(where, damaged=False)
    assert not where.parent.exists()


@pytest.mark.parametrize("to, rights", [(ARTICLES, (0o600, 0o700)), ("site/articles", (0o640, 0o750))])
def test_rights_are_those_of_the_folder(project: Project, to: str, rights: tuple[int, int]) -> None:
    files_job(project, to=to)
    subprocess.run(
        project.command("run", "job.yaml"), cwd=project.folder, env=project.environment(),
        preexec_fn=lambda: os.umask(0o027) and None, capture_output=True, check=True, timeout=60,
    )  # fmt: skip
    folder = project.folder / to
    found = {path.stat().st_mode & 0o777 for path in folder.rglob("*.md")}
    made = {path.stat().st_mode & 0o777 for path in [folder, *folder.rglob("*")] if path.is_dir()}
    assert (found, made) == ({rights[0]}, {rights[1]})
