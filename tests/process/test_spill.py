"""What was kept outside the job's folder is found by the next run, wherever job and program are by then."""

from __future__ import annotations

import os
import shutil
from contextlib import closing
from hashlib import sha256
from pathlib import Path

import pytest

from pipeline.core.domain import Fate, Fault
from pipeline.core.errors import DiskError
from pipeline.journal.database import connect, row_sum
from pipeline.journal.journal import Journal
from pipeline.journal.rows import restore
from pipeline.journal.spill import Spill
from pipeline.testing import Script
from tests.support.fakes import asked, kept_reply, said
from tests.support.project import Project
from tests.support.server import serve
from tests.support.waiting import wait_for


def row(text: str, at: float) -> tuple[object, ...]:
    """An answer as the journal keeps it."""
    digest, body = sha256(b"asked").digest(), text.encode()
    what = ("chat", "m", "post", "1", at, 0.1, body, "")
    return digest, "answered", "yes", "", "", *what, None, row_sum(digest, *what)


def blocked(folder: Path) -> Path:
    """A journal that nothing can be spilled beside."""
    folder.mkdir()
    Journal.open(folder / "journal.sqlite").close()
    (folder / "spill").touch()
    return folder / "journal.sqlite"


def test_a_job_that_was_moved_finds_its_answers_also_with_other_temporary_folders(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = blocked(tmp_path / "job")
    Spill(path).spill([row("kept", 1.0)])
    (tmp_path / "job").rename(tmp_path / "moved")
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "other"))
    journal = Journal.open(tmp_path / "moved/journal.sqlite")
    found = kept_reply(journal, sha256(b"asked").digest())
    journal.close()
    assert found is not None and found.body == b"kept"
    assert list(Spill(tmp_path / "moved/journal.sqlite").spilled()) == []


def test_a_copy_takes_the_answers_in_and_leaves_them_for_the_original(tmp_path: Path) -> None:
    path = blocked(tmp_path / "job")
    Spill(path).spill([row("kept", 1.0)])
    shutil.copytree(tmp_path / "job", tmp_path / "copy")
    for place in ("copy", "job"):
        journal = Journal.open(tmp_path / place / "journal.sqlite")
        assert kept_reply(journal, sha256(b"asked").digest()) is not None, place
        journal.close()
    assert list(Spill(path).spilled()) == []


def test_an_answer_that_comes_late_does_not_take_the_place_of_the_one_in_use(tmp_path: Path) -> None:
    Journal.open(tmp_path / "journal.sqlite").close()
    with closing(connect(tmp_path / "journal.sqlite")) as connection:
        assert restore(connection, [row("in use", 2.0)]) == 1
        assert restore(connection, [row("late", 1.0)]) == 1
        outcomes = connection.execute("SELECT outcome FROM attempts ORDER BY at").fetchall()
    assert outcomes == [("superseded",), ("answered",)]
    journal = Journal.read_only(tmp_path / "journal.sqlite")
    found = kept_reply(journal, sha256(b"asked").digest())
    journal.close()
    assert found is not None and found.body == b"in use"


@pytest.mark.parametrize("line", ["{}", '{"row": "[1, 2]", "sha256": "00"}', None])
def test_what_cannot_be_taken_in_is_set_aside_and_what_can_be_is_taken_in(
    tmp_path: Path, line: str | None
) -> None:
    """A damaged line, or a whole row that another version may have written."""
    path = tmp_path / "journal.sqlite"
    Journal.open(path).close()
    strange = (*row("strange", 2.0), "more")
    file = Path(Spill(path).spill([row("kept", 1.0), *([strange] if line is None else [])]))
    if line is not None:
        file.write_text(f"{file.read_text()}{line}\n")
    content = file.read_bytes()
    journal = Journal.open(path)
    found = kept_reply(journal, sha256(b"asked").digest())
    journal.close()
    assert found is not None and found.body == b"kept"
    assert [one.read_bytes() for one in file.parent.iterdir()] == [content]
    assert not file.exists(), "it is not taken in again"


def test_rows_with_and_without_their_tokens_are_taken_in(tmp_path: Path) -> None:
    Journal.open(tmp_path / "journal.sqlite").close()
    newer = (*row("newer", 2.0), 4, 3, 2, 1)
    with closing(connect(tmp_path / "journal.sqlite")) as connection:
        assert restore(connection, [row("older", 1.0), newer]) == 2
        kept = connection.execute("SELECT body, input, cached, output, reasoning FROM attempts").fetchall()
    assert kept == [(b"older", None, None, None, None), (b"newer", 4, 3, 2, 1)]


async def test_failed_attempts_are_spilled_too_and_all_that_wait_are_counted(tmp_path: Path) -> None:
    path = tmp_path / "journal.sqlite"
    journal = Journal.open(path)
    await journal.record(asked("before"), said("x"))
    path.rename(tmp_path / "moved")
    for text in "ab":
        journal.note(asked(text), Fault("server_error", "oh", fate=Fate.RETRY), 0.1)
        with pytest.raises(DiskError) as caught:
            await journal.record(asked(f"paid {text}"), said("y"))
    journal.close()
    assert "4 answers are saved and wait for it" in caught.value.hint
    ((_, rows, _), *more) = Spill(path).spilled()
    rows += [row for _, others, _ in more for row in others]
    assert sorted(row[1] for row in rows) == ["answered", "answered", "server_error", "server_error"]


def test_a_run_whose_lock_is_removed_stops(project: Project) -> None:
    with serve(Script(latency=0.2)) as server:
        project.job(server.base_url, records=Project.numbered(200))
        process = project.start("run", "job.yaml", "--set", "models.writer.limits.concurrency=4")
        wait_for(lambda: len(server.ledger().lines) >= 8 or process.poll() is not None)
        (project.folder / "output/shop/lock").unlink()
        _, said = process.communicate(timeout=60)
        assert process.returncode == 74 and "the lock was moved or deleted while the job ran" in said, said
        assert project.run("run", "job.yaml", "--set", "models.writer.limits.concurrency=64").returncode == 0
        assert server.ledger().overpaid == 0


def test_records_that_change_under_a_run_are_published_by_the_next_one(project: Project) -> None:
    with serve(Script(latency=0.2)) as server:
        project.job(server.base_url, records=Project.numbered(40))
        records = project.folder / "records.csv"
        state, text = records.stat(), records.read_text()
        process = project.start("run", "job.yaml", "--set", "models.writer.limits.concurrency=4")
        wait_for(lambda: len(server.ledger().lines) >= 8 or process.poll() is not None)
        records.write_text(text.replace("thing 3\n", "thing X\n"))
        os.utime(records, ns=(state.st_atime_ns, state.st_mtime_ns))
        process.communicate(timeout=60)
        assert process.returncode == 75
        assert not (project.folder / "output/shop/posts.csv").exists()
        assert project.run("run", "job.yaml").returncode == 0
    assert project.result()["post"].null_count() == 0


@pytest.mark.parametrize("command", [("doctor",), ("status",), ("export",), ("plan",), ("journal", "verify")])
def test_a_journal_that_is_no_file_is_named(project: Project, command: tuple[str, ...]) -> None:
    project.job()
    (project.folder / "output/shop/journal.sqlite").mkdir(parents=True, mode=0o700)
    done = project.run(*command, "job.yaml")
    said = done.stdout + done.stderr
    assert done.returncode == 74 and "the journal is not a file" in said and "Traceback" not in said, said
