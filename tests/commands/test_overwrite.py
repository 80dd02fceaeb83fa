"""A table that a person changed, or that the job did not write, is not overwritten silently."""

from __future__ import annotations

import json
import os
import re
import shutil
from pathlib import Path

import pytest

from pipeline.core.errors import DiskError
from pipeline.output import overwrite
from tests.support.project import Project, published

KEPT = re.compile(r"posts\.before-[0-9]{8}T[0-9]{6}Z(-[0-9]+)?\.csv")


def kept(project: Project) -> list[Path]:
    folder = project.folder / "output/shop"
    return sorted(file for file in folder.iterdir() if KEPT.fullmatch(file.name))


def posts(project: Project) -> Path:
    return project.folder / "output/shop/posts.csv"


def test_a_table_that_a_person_changed_is_kept_beside_the_new_one_and_named(project: Project) -> None:
    project.job()
    assert project.run("run", "job.yaml").returncode == 0
    first, state = posts(project).read_bytes(), posts(project).stat()
    edited = first.replace(b"tea", b"TEA")  # the same size
    posts(project).write_bytes(edited)
    os.utime(posts(project), ns=(state.st_atime_ns, state.st_mtime_ns))
    done = project.run("run", "job.yaml")
    assert done.returncode == 0 and posts(project).read_bytes() == first
    assert [file.read_bytes() for file in kept(project)] == [edited]
    assert f"kept      output/shop/{kept(project)[0].name}: the table before" in done.stdout
    again = project.run("run", "job.yaml")
    assert "kept" not in again.stdout and len(kept(project)) == 1
    assert posts(project).read_bytes() == first


def test_a_table_that_the_job_did_not_write_is_kept_too(project: Project) -> None:
    project.job()
    posts(project).parent.mkdir(parents=True)
    posts(project).write_text("mine\n")
    numbers = project.numbers("run", "job.yaml")
    assert [Path(name).read_text() for name in numbers["kept"]] == ["mine\n"]
    assert kept(project) and "mine" not in posts(project).read_text()


def test_an_empty_file_is_nothing_to_keep(project: Project) -> None:
    project.job()
    posts(project).parent.mkdir(parents=True)
    posts(project).touch()
    assert project.run("run", "job.yaml").returncode == 0 and kept(project) == []


@pytest.mark.parametrize("was", ["edited", "foreign"])
def test_overwrite_never_refuses_before_anything_is_sent(project: Project, was: str) -> None:
    project.job(output={"to": "output/shop/posts.csv", "overwrite": "never"})
    said = "was not written by this job"
    if was == "edited":
        assert project.run("run", "job.yaml").returncode == 0
        assert project.run("run", "job.yaml").returncode == 0  # its own table may be replaced
        said = "was changed since this job wrote it"
    posts(project).parent.mkdir(parents=True, exist_ok=True)
    posts(project).write_text("mine\n")
    sent = (project.folder / "output/shop/events.jsonl").exists()
    for command in ("run", "plan", "check", "export"):
        done = project.run(command, "job.yaml")
        assert done.returncode == 2, command
        assert f"posts.csv {said}, and must not be overwritten" in done.stderr
    assert posts(project).read_text() == "mine\n"
    assert (project.folder / "output/shop/events.jsonl").exists() is sent


def test_a_table_of_the_job_is_its_own_after_other_targets_rows_and_limits(project: Project) -> None:
    project.job()
    for sets in ([], ["--limit", "2"], ["--set", "output.to=output/shop/x.jsonl"], [], ["--limit", "1"]):
        assert project.run("run", "job.yaml", *sets).returncode == 0
        assert project.run("export", "job.yaml", *sets).returncode == 0
    assert kept(project) == []
    listed = [one["path"] for one in published(project)["known"]]
    assert listed == ["output/shop/x.jsonl"]


@pytest.mark.parametrize("target", ["a.csv", "a.tsv.gz", "a.b.jsonl", "a.parquet", "a.xlsx", ".hidden.csv"])
def test_the_name_says_when_and_keeps_the_suffix(project: Project, target: str) -> None:
    project.job(output={"to": target})
    (project.folder / target).write_bytes(b"mine")
    (name,) = project.numbers("run", "job.yaml")["kept"]
    path, before = (
        Path(name),
        target.removesuffix("".join(Path(target).suffixes[-1 - target.endswith("gz") :])),
    )
    assert re.fullmatch(re.escape(before) + r"\.before-\d{8}T\d{6}Z\..+", path.name)
    assert path.suffix == Path(target).suffix and path.read_bytes() == b"mine"


@pytest.mark.parametrize("step", ["kept", "noted", "moved"])
def test_a_kill_between_the_steps_leaves_both_and_keeps_once(
    project: Project, step: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What stands on the disk after each step of publishing is all that a killed process leaves."""
    project.job()
    assert project.run("run", "job.yaml").returncode == 0
    first = posts(project).read_bytes()
    posts(project).write_text("mine\n")
    names = {
        "kept": "pipeline.runs.publish.note_coming",
        "noted": "pipeline.output.table.Table.move",
        "moved": "pipeline.runs.publish.write_receipt",
    }

    def killed(*_: object, **__: object) -> None:
        raise DiskError("killed")

    with monkeypatch.context() as patched:
        patched.setattr(names[step], killed)
        assert project.run("run", "job.yaml").returncode == 74
    assert [file.read_text() for file in kept(project)] == ["mine\n"]
    assert posts(project).read_bytes() == (first if step == "moved" else b"mine\n")
    assert project.run("run", "job.yaml", "--limit", "2").returncode == 0
    assert [file.read_text() for file in kept(project)] == ["mine\n"]
    assert posts(project).read_text().count("\n") == 3


def test_a_disk_without_hard_links_keeps_it_by_its_new_name(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    project.job(output={"to": ["a.csv", "b.csv"]})
    (project.folder / "a.csv").write_text("mine\n")
    (project.folder / "b.csv").write_text("mine, too\n")

    def refused(*_: object, **__: object) -> None:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(Path, "hardlink_to", refused)
    texts = [Path(name).read_text() for name in project.numbers("run", "job.yaml")["kept"]]
    assert texts == ["mine\n", "mine, too\n"]


def test_what_cannot_be_kept_is_not_overwritten(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    project.job()
    posts(project).parent.mkdir(parents=True)
    posts(project).write_text("mine\n")

    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(Path, "hardlink_to", full)
        done = project.run("run", "job.yaml")
    assert done.returncode == 74 and "no space left on device" in done.stderr
    assert posts(project).read_text() == "mine\n" and kept(project) == []
    assert project.numbers("run", "job.yaml")["sent"] == 0
    assert [file.read_text() for file in kept(project)] == ["mine\n"]


def test_forget_keeps_a_changed_table_and_says_that_the_record_is_in_it(project: Project) -> None:
    project.job()
    assert project.run("run", "job.yaml").returncode == 0
    shutil.copy(posts(project), project.folder / "copy.csv")
    done = project.run("journal", "forget", "job.yaml", "--key", "007")
    assert done.returncode == 0 and kept(project) == []  # its own table needs no keeping
    posts(project).write_bytes((project.folder / "copy.csv").read_bytes() + b"010,mine,,,\n")
    done = project.run("journal", "forget", "job.yaml", "--key", "008")
    (file,) = kept(project)
    assert done.returncode == 74
    assert f"{file.name}: a table that somebody had changed: look for the record in it" in done.stdout
    assert "008" not in posts(project).read_text()
    done = project.run("journal", "forget", "job.yaml", "--key", "009")
    assert f"{file.name}: not one of the job's own files, so it was not searched" in done.stdout
    assert done.returncode == 0 and len(kept(project)) == 1


def test_a_damaged_receipt_is_as_none(project: Project) -> None:
    project.job()
    assert project.run("run", "job.yaml").returncode == 0
    first = posts(project).read_bytes()
    receipt = project.folder / "output/shop/published.json"
    for text in ("", "[]", "{", '{"files": [1, {"path": "x"}]}', json.dumps({"files": None, "known": {}})):
        receipt.write_text(text)
        done = project.run("run", "job.yaml")
        assert (done.returncode, done.stderr) == (0, "")
    assert posts(project).read_bytes() == first and kept(project) == []
    assert not overwrite._is_theirs(posts(project), {(len(first), published(project)["files"][0]["sha256"])})
