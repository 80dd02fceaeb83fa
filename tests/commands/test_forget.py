"""A record is forgotten: nothing of it is left in any file, and nothing else is touched."""

from __future__ import annotations

import json
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from hashlib import sha256
from pathlib import Path
from typing import Any

import polars as pl
import pytest
import yaml

from pipeline import load
from pipeline.core.errors import JobError, Locked
from pipeline.core.redaction import label
from pipeline.journal.journal import Journal
from pipeline.journal.spill import PREFIX, Spill
from pipeline.journal.verify import verify
from pipeline.runs.forget.forgetting import forget
from pipeline.system.lock import locked
from tests.support.project import Project

TARGETS = [f"output/shop/posts.{suffix}" for suffix in ("csv", "tsv", "jsonl", "csv.gz", "parquet", "xlsx")]
RECORDS = (
    "sku,title,email\n007,tea,alice@example.org\n008,lamp,bob@example.net\n"
    '009,"a ""mug"", large",carol@example.com\n010,tea,dave@example.edu\n'
)
COLUMNS = (
    "digest, outcome, billed, fate, message, api, model, step, record, at, seconds, body, endpoint, cost, sum"
)
LONG = "What is said about the first of them fills several pages of the file. " * 200


def job(project: Project, records: str = RECORDS, **changes: Any) -> Path:
    answer = {
        "alice@": f"Dear Alice, {LONG}",
        "bob@": f"Dear Bob, {LONG.upper()}",
        "mug": 'For "mugs", at once',
    }
    faults = [{"match": "carol@", "fault": "refusal"}, {"first": 1, "fault": "rate_limit", "retry_after": 0}]
    model = {"provider": "scripted", "model": "m", "options": {"answer": answer, "faults": faults}}
    spec: dict[str, Any] = {
        "models": {"writer": model},
        "steps": [
            {"name": "colour", "prompt": "Which colour has {{ title }}?"},
            {"name": "post", "each": {"tone": ["dry", "wet"]}, "prompt": "{{ tone }} for {{ email }}"},
        ],
        "output": {"to": TARGETS, "include": ["status", "reason"]},
    }
    file = project.job(records=records, **(spec | changes))
    kept = yaml.safe_load(file.read_text())
    kept["records"] |= {"private": ["email"]} | changes.get("more", {})
    file.write_text(yaml.safe_dump({name: part for name, part in kept.items() if name != "more"}))
    return file


@pytest.fixture(scope="module")
def once(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a project whose job has run."""
    project = Project(tmp_path_factory.mktemp("once"))
    job(project)
    done = project.run("run", "job.yaml")
    assert done.returncode == 3, done.stderr
    return project.folder


@pytest.fixture
def ran(project: Project, once: Path) -> Project:
    """A project of its own whose job has run."""
    shutil.copytree(once, project.folder, dirs_exist_ok=True)
    return project


def contents(folder: Path) -> Iterator[tuple[Path, bytes]]:
    for file in sorted(folder.rglob("*")):
        if file.is_file():
            yield file, file.read_bytes()


def holding(folder: Path, text: str) -> set[str]:
    """The files in which a text stands, that is not compressed away."""
    return {file.name for file, content in contents(folder) if text.encode() in content}


def attempts(folder: Path, what: str = "seq, step, record, outcome") -> list[tuple[Any, ...]]:
    with closing(sqlite3.connect(folder / "journal.sqlite")) as journal:
        return journal.execute(f"SELECT {what} FROM attempts ORDER BY seq").fetchall()


def test_nothing_of_a_record_is_left_and_nothing_else_is_touched(ran: Project) -> None:
    folder = ran.folder / "output/shop"
    before, others = dict(contents(folder)), attempts(folder)
    seqs = {seq for seq, _, record, _ in others if record != "007"}
    assert {"journal.sqlite", "posts.csv", "posts.jsonl"} <= holding(folder, "Dear Alice, What is")
    done = ran.run("journal", "forget", "job.yaml", "--key", "007")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "found in none" in done.stdout
    assert "still in the input" in done.stdout
    for text in ("Dear Alice", "alice@", "What is said about the first", '"007"', "007,"):
        assert holding(folder, text) == set(), text
    kept = [line for line in before[folder / "posts.csv"].splitlines(keepends=True) if b"alice@" not in line]
    assert (folder / "posts.csv").read_bytes() == b"".join(kept)
    lines = before[folder / "posts.jsonl"].splitlines(keepends=True)
    assert (folder / "posts.jsonl").read_bytes() == b"".join(line for line in lines if b"alice@" not in line)
    listed = json.loads((folder / "published.json").read_text())["files"]
    assert len(listed) == len(TARGETS) + 1
    for one in listed:
        content = (ran.folder / one["path"]).read_bytes()
        assert (one["bytes"], one["sha256"]) == (len(content), sha256(content).hexdigest())
    assert [row for row in others if row[2] != "007"] == [row for row in attempts(folder) if row[0] in seqs]
    assert verify(folder / "journal.sqlite").whole


def test_the_rows_are_gone_from_every_format(ran: Project) -> None:
    forgotten = forget(load(ran.folder / "job.yaml"), "009")
    assert [table.rows for table in forgotten.tables] == [2] * len(TARGETS)
    for target in TARGETS:
        frame = frame_of(ran.folder / target)
        assert set(frame["sku"].cast(pl.String).to_list()) <= {"007", "008", "010"}, target
        assert frame.height == 6
    assert not (ran.folder / "output/shop/failures.csv").exists()
    assert forgotten.failures == 2


def frame_of(path: Path) -> pl.DataFrame:
    from pipeline.runs.result import result_frame

    return result_frame(path)


def test_an_answer_that_another_record_shares_is_kept_under_its_name(ran: Project) -> None:
    folder = ran.folder / "output/shop"
    assert ("colour", "007") in {row[1:3] for row in attempts(folder) if row[3] == "answered"}
    forgotten = forget(load(ran.folder / "job.yaml"), "007")
    assert forgotten.shared >= 1
    assert ("colour", "010") in {row[1:3] for row in attempts(folder) if row[3] == "answered"}
    assert "007" not in {row[2] for row in attempts(folder)}
    assert verify(folder / "journal.sqlite").whole


def test_the_next_run_asks_for_the_forgotten_alone(ran: Project) -> None:
    forget(load(ran.folder / "job.yaml"), "008")
    assert ran.numbers("plan", "job.yaml")["missing"] == 1  # colour; two posts follow from it
    job(ran, RECORDS.replace("008,lamp,bob@example.net\n", ""))
    numbers = ran.numbers("run", "job.yaml")
    assert numbers["sent"] == 0
    assert numbers["rows"] == 6


def test_who_is_gone_from_the_input_is_forgotten_by_the_key(ran: Project) -> None:
    job(ran, RECORDS.replace("008,lamp,bob@example.net\n", ""))
    forgotten = forget(load(ran.folder / "job.yaml"), "008")
    assert (forgotten.records, forgotten.attempts) == (0, 3)
    assert forgotten.rows == 2 * len(TARGETS)
    assert forgotten.left == []
    assert holding(ran.folder / "output/shop", "Dear Bob") == set()


def test_records_that_cannot_be_read_do_not_stop_it(ran: Project) -> None:
    (ran.folder / "records.csv").unlink()
    forgotten = forget(load(ran.folder / "job.yaml"), "008")
    assert "were not looked at" in forgotten.notices[0]
    assert forgotten.attempts == 3
    assert holding(ran.folder / "output/shop", "Dear Bob") == set()


def test_a_copy_of_the_journal_that_lies_about_is_found(ran: Project) -> None:
    copy = ran.folder / "output/shop/journal.bak"
    copy.write_bytes((ran.folder / "output/shop/journal.sqlite").read_bytes())
    done = ran.run("journal", "forget", "job.yaml", "--key", "008", "--json")
    assert done.returncode == 74
    assert json.loads(done.stdout)["left"] == [str(copy)]


def test_a_table_that_cannot_be_searched_is_named(ran: Project) -> None:
    (ran.folder / "output/shop/posts.parquet").write_bytes(b"PAR1 no more")
    forgotten = forget(load(ran.folder / "job.yaml"), "008")
    assert forgotten.left == [str(ran.folder / "output/shop/posts.parquet")]


def test_nothing_is_forgotten_while_a_run_is_alive(ran: Project) -> None:
    folder = ran.folder / "output/shop"
    before = dict(contents(folder))
    with locked(folder):
        done = ran.run("journal", "forget", "job.yaml", "--key", "007")
        with pytest.raises(Locked):
            forget(load(ran.folder / "job.yaml"), "007")
    assert done.returncode == 75
    unlike = {path.name for path, content in contents(folder) if before.get(path) != content}
    assert unlike <= {"lock"}


def test_an_unknown_record_is_an_error(ran: Project) -> None:
    done = ran.run("journal", "forget", "job.yaml", "--key", "7")
    assert done.returncode == 2
    assert "nothing is known of such a record" in done.stderr
    assert len(attempts(ran.folder / "output/shop")) > 9


def test_without_a_journal_there_is_nothing_to_forget(project: Project) -> None:
    with pytest.raises(JobError, match="no journal"):
        forget(load(job(project)), "007")
    assert not (project.folder / "output").exists()


def test_records_without_a_key_are_forgotten_by_their_content(project: Project) -> None:
    job(project, RECORDS + "010,tea,dave@example.edu\n", more={"key": []})
    project.run("run", "job.yaml")
    keys = {row[2] for row in attempts(project.folder / "output/shop", "seq, step, record, outcome, body")}
    frame = pl.read_csv(project.folder / TARGETS[0], infer_schema=False)
    dave = next(key for key in keys if "#" not in key and forgets(project, key, "dave@example.edu"))
    assert len(dave) == 32
    assert frame.height - pl.read_csv(project.folder / TARGETS[0], infer_schema=False).height == 4


def forgets(project: Project, key: str, email: str) -> bool:
    """Whether this is the key of whoever has this address; if so, it is forgotten."""
    with closing(sqlite3.connect(project.folder / "output/shop/journal.sqlite")) as journal:
        sql = "SELECT count(*) FROM attempts WHERE record = ? AND instr(body, ?)"
        (count,) = journal.execute(sql, (key, email)).fetchone()
    return bool(count) and forget(load(project.folder / "job.yaml"), key).records == 2


@pytest.mark.parametrize("shown", [True, False])
def test_a_private_key_is_forgotten_by_itself_and_by_its_digest(shown: bool, project: Project) -> None:
    job(project, more={"key": "email"})
    project.run("run", "job.yaml")
    key = label("bob@example.net") if shown else "bob@example.net"
    forgotten = forget(load(project.folder / "job.yaml"), key)
    assert forgotten.rows == 2 * len(TARGETS)
    folder = project.folder / "output/shop"
    assert holding(folder, "bob@") == holding(folder, label("bob@example.net")) == set()


def test_answers_that_were_asked_for_once_more_go_too(ran: Project) -> None:
    folder = ran.folder / "output/shop"
    ran.run("run", "job.yaml", "--retry-failed")
    with closing(sqlite3.connect(folder / "journal.sqlite")) as journal:
        sql = "SELECT count(*) FROM attempts WHERE record = '009' AND outcome = 'superseded'"
        assert journal.execute(sql).fetchone() == (2,)
    forgotten = forget(load(ran.folder / "job.yaml"), "009")
    assert forgotten.attempts == 5
    assert "009" not in {row[2] for row in attempts(folder)}


def test_what_waits_in_a_reserve_is_forgotten_too(ran: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = ran.folder / "output/shop"
    rows = [row for row in attempts(folder, COLUMNS) if row[8] == "008"]
    with closing(sqlite3.connect(folder / "journal.sqlite", isolation_level=None)) as journal:
        journal.execute("DELETE FROM attempts WHERE record = '008'")
    spilled = Path(Spill(folder / "journal.sqlite").spill(rows))
    (spilled.parent / "old.damaged").write_text("half a line of 008")
    forgotten = forget(load(ran.folder / "job.yaml"), "008")
    assert (forgotten.attempts, forgotten.spilled) == (3, 1)
    assert list(spilled.parent.iterdir()) == []
    assert holding(folder, "Dear Bob") == set()


def test_answers_printed_on_standard_error_are_taken_in_again(ran: Project, capsys: Any) -> None:
    folder = ran.folder / "output/shop"
    rows = [row for row in attempts(folder, COLUMNS) if row[8] == "008"]
    reserve = Spill(folder / "journal.sqlite")
    reserve.folders = lambda: iter(())  # type: ignore[method-assign]
    assert reserve.spill([*rows, (*rows[0][:-1], 0)]) == "standard error"
    printed = capsys.readouterr().err
    (ran.folder / "log.txt").write_text(f"shop: 3 done\n{printed}error: the disk is full\n{PREFIX}{{half\n")
    with closing(sqlite3.connect(folder / "journal.sqlite", isolation_level=None)) as journal:
        journal.execute("DELETE FROM attempts WHERE record = '008' AND step = 'post'")
    done = ran.run("journal", "restore", "job.yaml", "log.txt")
    assert done.returncode == 74  # two lines are damaged
    assert done.stdout == "2 answers taken in, 1 were there before, 2 lines damaged\n"
    assert ran.numbers("run", "job.yaml")["sent"] == 0
    with locked(folder):
        assert ran.run("journal", "restore", "job.yaml", "log.txt").returncode == 75


def test_a_journal_that_somebody_reads_is_not_half_forgotten(
    ran: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pipeline.journal.database.LOCK_SECONDS", 0.2)
    reader = sqlite3.connect(ran.folder / "output/shop/journal.sqlite", isolation_level=None)
    reader.execute("BEGIN")
    reader.execute("SELECT * FROM attempts").fetchone()
    with pytest.raises(Exception, match="cannot be written anew"):
        forget(load(ran.folder / "job.yaml"), "008")
    reader.close()
    assert forget(load(ran.folder / "job.yaml"), "008").left == []
    assert holding(ran.folder / "output/shop", "Dear Bob") == set()
    Journal.read_only(ran.folder / "output/shop/journal.sqlite").close()
