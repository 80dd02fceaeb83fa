"""The folder of the rows' files: no kill, link or full disk makes half a file, or harms another."""

from __future__ import annotations

import os
import resource
import subprocess
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from pipeline.core.errors import JobError, Locked
from pipeline.job.allowlist import Allowed
from pipeline.job.load import load
from pipeline.output import manifest
from pipeline.output.folder import Filed, ResultFolder, taken
from pipeline.system.safe_folder import Folder, InTheWay
from pipeline.testing import Script
from tests.support.project import Project
from tests.support.row_files import ARTICLES, assert_whole, contents, job, killed, many, published, ran
from tests.support.server import serve

HIDDEN = ".pipeline-*.part"


def shelved(folder: Path, files: dict[str, str], **keep: str) -> Filed:
    with closing(ResultFolder(folder / "state/articles", folder / "state", folder)) as result_folder:
        for path, text in files.items():
            result_folder.put(path, path, text.encode())
        for path, why in keep.items():
            result_folder.keep(path, path, why)
        result_folder.complete()
        return result_folder.publish()


def test_nothing_is_in_its_place_before_it_is_published(tmp_path: Path) -> None:
    shelved(tmp_path, {"a/1": "old", "a/2": "old"})
    with closing(ResultFolder(tmp_path / "state/articles", tmp_path / "state", tmp_path)) as result_folder:
        result_folder.put("a/1", "1", b"new")
        result_folder.complete()
    assert contents(tmp_path / "state/articles") == {"a/1": "old", "a/2": "old"}
    filed = shelved(tmp_path, {"a/1": "new"})
    assert (filed.written, filed.removed, filed.listed.files) == (1, 1, 1)
    assert contents(tmp_path / "state/articles") == {"a/1": "new"}


def test_what_a_killed_process_moved_or_was_about_to_move_is_known_as_ours(tmp_path: Path) -> None:
    shelved(tmp_path, {"1": "old", "2": "old", "3": "old"})
    result_folder = ResultFolder(tmp_path / "state/articles", tmp_path / "state", tmp_path)
    for path in "123":
        result_folder.put(path, path, b"new")
    result_folder.complete()
    (tmp_path / "state/articles/1").write_text("new")  # moved, and then killed
    result_folder.close()
    filed = shelved(tmp_path, {"1": "newest", "2": "newest"})
    assert contents(tmp_path / "state/articles") == {"1": "newest", "2": "newest"}
    assert (filed.edited.count, filed.missing.count) == (0, 0)


def test_a_list_that_is_gone_is_made_anew_from_files_that_are_as_they_should_be(tmp_path: Path) -> None:
    shelved(tmp_path, {"1": "one", "2": "two"})
    (tmp_path / "state" / manifest.NAME).unlink()
    filed = shelved(tmp_path, {"1": "one", "2": "changed"})
    assert (filed.written, filed.missing.count, filed.listed.files) == (0, 1, 1)
    assert contents(tmp_path / "state/articles") == {"1": "one", "2": "two"}


def test_the_files_of_another_folder_stay_when_the_folder_changes(tmp_path: Path) -> None:
    shelved(tmp_path, {"1": "one"})
    with closing(ResultFolder(tmp_path / "state/other", tmp_path / "state", tmp_path)) as result_folder:
        result_folder.put("2", "2", b"two")
        result_folder.complete()
        assert result_folder.publish().removed == 0
    assert contents(tmp_path / "state/articles") == {"1": "one"}
    assert manifest.folders(tmp_path / "state") == ["state/articles", "state/other"]


@pytest.mark.parametrize("path", ["../x", "a/../../x", "/etc/x", "a//x", "", "./x", "a\0"])
def test_a_path_that_leads_out_is_none(tmp_path: Path, path: str) -> None:
    folder = Folder(tmp_path / "in", own=True)
    with pytest.raises(InTheWay):
        folder.digest(path)
    with pytest.raises(InTheWay):
        folder.remove(path)
    folder.close()


def test_who_publishes_waits_for_another_and_gives_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lock = taken(tmp_path)
    monkeypatch.setattr("pipeline.output.folder.PATIENCE", 0.1)
    with pytest.raises(Locked):
        taken(tmp_path)
    os.close(lock)
    os.close(taken(tmp_path))


def test_nothing_is_written_read_or_removed_through_a_link(project: Project) -> None:
    job(project, to="articles")
    published(project)
    outside = project.folder / "outside"
    (project.folder / "articles/en").rename(outside)
    (project.folder / "articles/en").symlink_to(outside)
    secret = project.folder / "secret"
    secret.write_text("secret")
    (project.folder / "articles/de/007.md").unlink()
    (project.folder / "articles/de/007.md").symlink_to(secret)
    (project.folder / "articles/de/008.md").unlink()
    (project.folder / "articles/de/008.md").mkdir()
    before = contents(outside)
    (project.folder / "records.csv").write_text("sku,title\n007,coffee\n008,lamp\n")
    done = ran(project, code=2)
    assert contents(outside) == before and secret.read_text() == "secret"
    assert (project.folder / "articles/de/007.md").is_symlink()
    for path in ("de/007.md", "de/008.md", "en/007.md", "en/008.md"):
        assert f"not written as {path}: the path is" in done.stdout
    assert "en/009.md belongs to no row any more, and was changed" in done.stdout
    assert not (project.folder / "articles/de/009.md").exists()
    assert set(project.result()["_status"]) == {"ok"}


def test_a_disk_that_takes_no_more_leaves_all_files_as_they_were(project: Project) -> None:
    job(project)
    published(project)
    before = contents(project.folder / ARTICLES)
    table = (project.folder / "output/shop/posts.csv").read_bytes()
    job(project, text="{{ title }}{% if sku == '009' %}{{ 'x' * 3000000 }}{% endif %}")
    done = subprocess.run(
        project.command("run", "job.yaml"), cwd=project.folder, env=project.environment(), timeout=60,
        capture_output=True,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (2_000_000, 2_000_000)),
    )  # fmt: skip
    assert done.returncode == 74, done.stderr
    assert contents(project.folder / ARTICLES) == before
    assert (project.folder / "output/shop/posts.csv").read_bytes() == table
    published(project)
    assert len(contents(project.folder / ARTICLES)["en/009.md"]) == 3_000_003


@pytest.mark.parametrize("moment", ["aside", "in place"])
def test_a_kill_while_files_are_written_leaves_whole_ones_and_the_next_run_completes(
    project: Project, moment: str
) -> None:
    folder = project.folder / ARTICLES
    pattern = f"{HIDDEN}/*" if moment == "aside" else "*.txt"
    first = many(project)
    killed(project, lambda: any(folder.glob(pattern)))
    assert_whole(project, first)
    ran(project)
    assert contents(folder) == first
    second = many(project, "B")
    killed(project, lambda: any(folder.glob(f"{HIDDEN}/*")))
    assert_whole(project, first, second)
    ran(project)
    assert contents(folder) == second
    assert list(folder.glob(".*")) == []


def test_a_record_that_is_forgotten_takes_its_files_along(project: Project) -> None:
    records = "sku,title\nalice-key,tea for Alice\nbob-key,a lamp for Bob\n"
    job(project, records=records, to="articles")
    published(project)
    (project.folder / "articles/en/alice-key.md").write_text("tea for Alice, by hand")
    (project.folder / "records.csv").write_text("sku,title\nbob-key,a lamp for Bob\n")
    done = ran(project, "journal", "forget", "job.yaml", "--key", "alice-key")
    assert "files of its rows: 2 files removed" in done.stdout
    assert sorted(contents(project.folder / "articles")) == ["de/bob-key.md", "en/bob-key.md"]
    for file in (project.folder / "output").rglob("*"):
        assert not file.is_file() or b"alice-key" not in file.read_bytes(), file
    receipt = (project.folder / "output/shop/published.json").read_text()
    assert '"files": 2' in receipt
    assert published(project).written == 0


def untrusted(project: Project, **files: Any) -> None:
    job(project, "https://api.openai.com/v1", **files)
    load(project.folder / "job.yaml", ["models.writer.api_key_env=OPENAI_API_KEY"], untrusted=Allowed())


@pytest.mark.parametrize(
    "to", ["../articles", "/tmp/articles", "output/other/articles", "output/shop", "~/x"]
)
def test_the_folder_of_an_untrusted_job_is_in_its_own(project: Project, to: str) -> None:
    untrusted(project)
    with pytest.raises(JobError, match="untrusted"):
        untrusted(project, to=to)


def test_the_files_of_an_untrusted_job_are_texts(project: Project) -> None:
    with pytest.raises(JobError, match=r"'\.sh' is not one of"):
        untrusted(project, suffix=".sh")


def test_an_untrusted_job_renders_its_files_apart(project: Project) -> None:
    with serve(Script(answer="yes")) as server:
        job(project, server.base_url, text="{{ title }}: {{ post }}{{ 'x' * (sku | int - 8) * 9999999 }}\n")
        host = server.base_url.split("/")[2]
        more = ("--untrusted", "--allow-host", host, "--allow-key", "TEST_KEY")
        done = ran(project, "run", "job.yaml", *more, code=2)
    assert contents(project.folder / ARTICLES)["en/008.md"] == "lamp: yes\n"
    assert "record 009: not written as de/009.md: job.yaml:" in done.stdout
