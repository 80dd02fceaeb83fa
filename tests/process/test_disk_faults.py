"""Disks that refuse, fail, interrupt, vanish or cannot lock: rows 46 to 51, 55 and 63 of docs/faults.md."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from pipeline.journal.spill import Spill
from pipeline.testing import Script
from tests.support.disk_faults import CONCURRENCY, every_reply_is_kept, injected
from tests.support.journals import journalled
from tests.support.points import needs_strace, traced
from tests.support.project import Project
from tests.support.served import served
from tests.support.server import serve
from tests.support.waiting import wait_for


@needs_strace
@pytest.mark.parametrize(
    ("call", "fault"),
    [
        ("pwrite64", "error=ENOSPC:when=24+"),
        ("pwrite64", "error=EIO:when=24"),
        ("fdatasync", "error=EIO:when=5"),
    ],
)
def test_a_disk_that_fails_stops_the_run_and_every_reply_is_kept(
    project: Project, call: str, fault: str
) -> None:
    every_reply_is_kept(project, call, fault)


@needs_strace
def test_a_call_that_was_interrupted_is_made_again(project: Project) -> None:
    with serve(Script(latency=0.02)) as server:
        project.job(models=served(server.base_url), records=Project.numbered(20))
        done = traced(project, *injected(project, "pwrite64", "error=EINTR:when=12+7"))
        assert done.returncode == 0, done.stderr
        assert "EINTR" in (project.folder / "trace").read_text()
        assert server.ledger().billed == journalled(project.folder) == 20


@needs_strace
@pytest.mark.parametrize("error", ["ENOLCK", "EOPNOTSUPP"])
def test_a_disk_without_locks_is_refused_before_anything_is_sent(project: Project, error: str) -> None:
    with serve() as server:
        project.job(models=served(server.base_url))
        done = traced(project, *injected(project, "flock", f"error={error}", "lock"))
        assert done.returncode == 74 and "cannot be locked: " in done.stderr, done.stderr
        assert "put the job on a disk of this machine" in done.stderr
        assert server.ledger().requests == 0


def test_a_folder_that_vanishes_stops_the_run_and_what_comes_then_is_kept(project: Project) -> None:
    folder = project.folder / "output/shop"
    with serve(Script(latency=0.2)) as server:
        models = served(server.base_url, limits={"concurrency": CONCURRENCY})
        project.job(models=models, records=Project.numbered(400))
        process = project.start("run", "job.yaml")
        wait_for(lambda: server.ledger_path.exists() and server.ledger().billed >= 2 * CONCURRENCY)
        lost = server.ledger().billed
        folder.rename(folder.with_name("gone"))
        _, said = process.communicate(timeout=20)
        assert process.returncode == 74 and "moved or deleted while the job ran" in said, said
        billed = server.ledger().billed
        assert billed <= lost + 4 * CONCURRENCY
        done = project.run("run", "job.yaml", "--limit", "100")
        assert done.returncode == 0, done.stderr
        assert server.ledger().overpaid <= lost + CONCURRENCY, "only what went with the folder is paid again"
    _forget_spilled(folder)


def _forget_spilled(folder: Path) -> None:
    """Leave no folder behind outside of the test's own."""
    for place in Spill(folder / "journal.sqlite").folders():
        if place.is_dir() and not place.is_relative_to(folder) and not any(place.iterdir()):
            place.rmdir()


@pytest.mark.parametrize(
    ("name", "code"),
    [("events.jsonl", 74), ("lock", 74), ("journal.sqlite", 74), ("ballast", 0), ("spill/1-1.jsonl", 0)],
)
def test_a_pipe_in_the_place_of_a_file_holds_nobody_up(name: str, code: int, project: Project) -> None:
    pipe = project.folder / "output/shop" / name
    pipe.parent.mkdir(parents=True, mode=0o700)
    os.mkfifo(pipe)
    project.job()
    done = project.run("run", "job.yaml")
    assert done.returncode == code, done.stderr
    assert "it is not a file" in done.stderr or code == 0
