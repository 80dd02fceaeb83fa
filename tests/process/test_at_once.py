"""Commands of one job at the same time, and links where its own files should be."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support import row_files
from tests.support.project import Project

OWN = ("journal.sqlite", "journal.sqlite-wal", "journal.sqlite-shm", "events.jsonl", "lock", "files.sqlite")


def test_exports_at_once_all_end_well(project: Project) -> None:
    row_files.job(project)
    assert project.run("run", "job.yaml").returncode == 0
    good = (project.folder / "output/shop/posts.csv").read_bytes()
    for _ in range(2):
        exports = [project.start("export", "job.yaml") for _ in range(6)]
        said = [one.communicate(timeout=100)[1] for one in exports]
        assert [one.returncode for one in exports] == [0] * 6, said
    assert (project.folder / "output/shop/posts.csv").read_bytes() == good
    assert not list((project.folder / "output/shop").rglob("*.part"))


@pytest.mark.parametrize("name", OWN)
def test_a_link_in_the_place_of_a_file_of_its_own_is_not_written_through(project: Project, name: str) -> None:
    victim = project.folder / "victim"
    victim.write_text("precious")
    project.job()
    folder: Path = project.folder / "output/shop"
    folder.mkdir(parents=True, mode=0o700)
    (folder / name).symlink_to(victim)
    done = project.run("run", "job.yaml")
    assert victim.read_text() == "precious"
    if name != "files.sqlite":  # this job needs none
        assert done.returncode == 74
        assert "is a link" in done.stderr


@pytest.mark.parametrize("name", ["failures.csv", "published.json"])
def test_a_link_in_the_place_of_a_result_of_its_own_is_replaced(project: Project, name: str) -> None:
    victim = project.folder / "victim"
    precious = '{"rows": {"ok": 0}}'
    victim.write_text(precious)
    project.job(steps=[{"name": "post", "prompt": "{{ title|int / 0 }}"}])
    folder = project.folder / "output/shop"
    folder.mkdir(parents=True, mode=0o700)
    (folder / name).symlink_to(victim)
    assert project.run("run", "job.yaml").returncode == 3
    assert victim.read_text() == precious
    assert (folder / name).is_file() and not (folder / name).is_symlink()
