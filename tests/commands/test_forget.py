"""A record is forgotten: nothing of it is left in any file of the job, and nothing else is lost."""

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
from pipeline.core.errors import DiskError, JobError, Locked
from pipeline.core.redaction import label
from pipeline.journal.spill import Spill
from pipeline.journal.verify import verify
from pipeline.runs.forget.forget import Forgotten
from pipeline.runs.forget.forget import forget as forget_record
from pipeline.runs.result import result_frame
from pipeline.system.lock import locked
from tests.support.project import Project

TARGETS = [f"output/shop/posts.{suffix}" for suffix in ("csv", "tsv", "jsonl", "csv.gz", "parquet", "xlsx")]
RECORDS = (
    "sku,title,email\n007,tea,alice@example.org\n008,lamp,bob@example.net\n"
    '009,"a ""mug"", large",carol@example.com\n010,tea,dave@example.edu\n'
)
BOB = "008,lamp,bob@example.net\n"
COLUMNS = (
    "digest, outcome, billed, fate, message, api, model, step, record, at, seconds, body, endpoint, cost, sum"
)
LONG = "What is said about the first of them fills several pages of the file. " * 200
ALICE = ("Dear Alice", "alice@", "What is said about the first", '"007"', "\n007,")
"""canaries: what stands in files for the record 007 alone"""


def job(project: Project, records: str = RECORDS, **choice: Any) -> None:
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
    file = project.job(records=records, **spec)
    kept = yaml.safe_load(file.read_text())
    file.write_text(yaml.safe_dump(kept | {"records": kept["records"] | {"private": ["email"]} | choice}))


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


def forget(project: Project, key: str, **more: Any) -> Forgotten:
    return forget_record(load(project.folder / "job.yaml"), key, **more)


def contents(folder: Path) -> Iterator[tuple[str, bytes]]:
    """Every file of a folder as it is, and what stands in those that compress."""
    for file in sorted(folder.rglob("*")):
        if file.is_file():
            yield file.name, file.read_bytes()
            if file.suffix in (".gz", ".parquet", ".xlsx"):
                yield file.name, result_frame(file).cast(pl.String).write_csv().encode()


def holding(folder: Path, *texts: str) -> set[str]:
    """The files in which one of these texts stands; not the ballast, whose noise may hold any four signs."""
    return {name for name, held in contents(folder) if any(t.encode() in held for t in texts)} - {"ballast"}


def attempts(folder: Path, what: str = "seq, step, record, outcome") -> list[tuple[Any, ...]]:
    with closing(sqlite3.connect(folder / "journal.sqlite")) as journal:
        return journal.execute(f"SELECT {what} FROM attempts ORDER BY seq").fetchall()


def test_no_canary_of_a_record_is_left_and_nothing_else_is_touched(ran: Project) -> None:
    folder = ran.folder / "output/shop"
    others, before = attempts(folder), (folder / "posts.csv").read_bytes().splitlines(keepends=True)
    seqs = {seq for seq, _, record, _ in others if record != "007"}
    results = {Path(target).name for target in TARGETS}
    assert holding(folder, *ALICE) >= {"journal.sqlite", "events.jsonl", *results}
    done = ran.run("journal", "forget", "job.yaml", "--key", "007")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "posts.csv: written again without it, 6 rows\n" in done.stdout
    assert "still in the input" in done.stdout
    assert holding(folder, *ALICE) == set()
    assert (folder / "posts.csv").read_bytes() == b"".join(line for line in before if b"alice@" not in line)
    listed = json.loads((folder / "published.json").read_text())["files"]
    assert len(listed) == len(TARGETS) + 1
    for one in listed:
        content = (ran.folder / one["path"]).read_bytes()
        assert (one["bytes"], one["sha256"]) == (len(content), sha256(content).hexdigest())
    assert [row for row in others if row[2] != "007"] == [row for row in attempts(folder) if row[0] in seqs]
    assert verify(folder / "journal.sqlite").whole


def test_a_failed_record_leaves_the_table_of_failures(ran: Project) -> None:
    forgotten = forget(ran, "009")
    assert [table.rows for table in forgotten.tables] == [6] * len(TARGETS)
    assert holding(ran.folder / "output/shop", "carol@", 'For \\"mugs', '"009"', "009,") == set()
    assert not (ran.folder / "output/shop/failures.csv").exists()


def test_an_answer_that_another_record_shares_is_kept_under_its_name(ran: Project) -> None:
    folder = ran.folder / "output/shop"
    assert ("colour", "007") in {row[1:3] for row in attempts(folder) if row[3] == "answered"}
    assert forget(ran, "007").shared >= 1
    assert ("colour", "010") in {row[1:3] for row in attempts(folder) if row[3] == "answered"}
    assert "007" not in {row[2] for row in attempts(folder)}
    assert verify(folder / "journal.sqlite").whole


@pytest.mark.parametrize("choice", [{"where": "title <> 'x' and sku = '007'"}, {"limit": 1}])
def test_what_a_record_shares_that_is_not_chosen_stays(choice: dict[str, Any], ran: Project) -> None:
    job(ran, **choice)
    assert forget(ran, "007").shared >= 1
    kept = {row[1:3] for row in attempts(ran.folder / "output/shop") if row[3] == "answered"}
    assert ("colour", "010") in kept


def test_records_that_cannot_all_be_read_are_those_that_are_chosen(ran: Project) -> None:
    job(ran, RECORDS + "010,twice,erin@example.org\n", where="title <> 'tea'")
    forgotten = forget(ran, "008")
    assert (forgotten.records, forgotten.attempts) == (1, 3)
    assert "not choose could not be read" in forgotten.notices[0]


def test_the_next_run_asks_for_the_forgotten_alone(ran: Project) -> None:
    forget(ran, "008")
    assert ran.numbers("plan", "job.yaml")["missing"] == 1  # colour; two posts follow from it
    job(ran, RECORDS.replace(BOB, ""))
    numbers = ran.numbers("run", "job.yaml")
    assert (numbers["sent"], numbers["rows"]) == (0, 6)


def test_who_is_gone_from_the_input_is_forgotten_by_the_key(ran: Project) -> None:
    job(ran, RECORDS.replace(BOB, ""))
    forgotten = forget(ran, "008")
    assert (forgotten.records, forgotten.attempts, forgotten.left) == (0, 3, [])
    assert holding(ran.folder / "output/shop", "Dear Bob", "bob@") == set()


def test_results_whose_input_is_gone_are_named_and_removed_on_request(ran: Project) -> None:
    folder = ran.folder / "output/shop"
    (ran.folder / "records.csv").unlink()
    for _ in range(2):  # as often as it is repeated
        done = ran.run("journal", "forget", "job.yaml", "--key", "008", "--json")
        said = json.loads(done.stdout)
        assert (done.returncode, said["attempts"]) == (74, 0)
        assert "could not be read" in said["notices"][0]
        assert said["left"] == [str(ran.folder / target) for target in TARGETS]
        assert {Path(target).name for target in TARGETS} <= holding(folder, "Dear Bob", "bob@")
    assert (folder / "published.json").exists(), "nothing is removed that was not asked for"
    assert ran.run("journal", "forget", "job.yaml", "--key", "008", "--remove-results").returncode == 0
    assert holding(folder, "Dear Bob", "bob@") == set()
    assert not any((ran.folder / target).exists() for target in TARGETS)
    (ran.folder / "records.csv").write_text(RECORDS)
    assert ran.numbers("run", "job.yaml")["rows"] == 8  # what is removed is made anew when the input is back


def test_results_that_could_not_be_written_again_are_when_the_input_is_back(ran: Project) -> None:
    (ran.folder / "records.csv").unlink()
    assert ran.run("journal", "forget", "job.yaml", "--key", "008").returncode == 74
    job(ran, RECORDS.replace(BOB, ""))
    assert forget(ran, "008").left == []
    assert holding(ran.folder / "output/shop", "Dear Bob", "bob@") == set()


def test_what_is_not_the_jobs_own_is_named(ran: Project) -> None:
    old = ran.folder / "output/shop/old.csv"
    old.write_bytes((ran.folder / TARGETS[0]).read_bytes())
    done = ran.run("journal", "forget", "job.yaml", "--key", "008")
    assert done.returncode == 0
    assert "output/shop/old.csv: not one of the job's own files, so it was not searched\n" in done.stdout


def test_what_a_killed_process_left_aside_goes(ran: Project) -> None:
    folder = ran.folder / "output/shop"
    for name in (".posts.csv.0123456789ab.part", ".failures.csv.0123456789ab.part", ".events.jsonl.part"):
        (folder / name).write_text("008,Dear Bob")
    (ran.folder / TARGETS[0]).unlink()
    forget(ran, "008")
    assert holding(folder, "Dear Bob", "bob@") == set()


def test_rows_without_an_answer_are_said_to_be_pending(ran: Project) -> None:
    job(ran, RECORDS + "011,spoon,frank@example.org\n")
    done = ran.run("journal", "forget", "job.yaml", "--key", "008")
    assert "posts.csv: written again without it, 8 rows, 2 of them pending\n" in done.stdout


def test_nothing_is_forgotten_while_a_run_is_alive(ran: Project) -> None:
    folder = ran.folder / "output/shop"
    before = set(contents(folder))
    with locked(folder):
        done = ran.run("journal", "forget", "job.yaml", "--key", "007")
        with pytest.raises(Locked):
            forget(ran, "007")
    assert done.returncode == 75
    assert {name for name, content in set(contents(folder)) - before} <= {"lock"}


def test_an_unknown_record_is_an_error(ran: Project) -> None:
    before = (ran.folder / TARGETS[0]).stat().st_mtime_ns
    done = ran.run("journal", "forget", "job.yaml", "--key", "7")
    assert done.returncode == 2
    assert "neither the records nor the journal have such a record" in done.stderr
    assert len(attempts(ran.folder / "output/shop")) > 9
    assert (ran.folder / TARGETS[0]).stat().st_mtime_ns == before


def test_without_a_journal_there_is_nothing_to_forget(project: Project) -> None:
    job(project)
    with pytest.raises(JobError, match="no journal"):
        forget(project, "007")
    assert not (project.folder / "output").exists()


def test_records_without_a_key_are_forgotten_by_their_content(project: Project) -> None:
    job(project, RECORDS + "010,tea,dave@example.edu\n", key=[])
    project.run("run", "job.yaml")
    folder = project.folder / "output/shop"
    sql = "record, instr(body, 'dave@example.edu')"
    (dave, *_) = (key for key, found in attempts(folder, sql) if found and "#" not in key)
    assert len(dave) == 32
    forgotten = forget(project, dave)
    assert (forgotten.records, forgotten.tables[0].rows) == (2, 6)
    assert holding(folder, "dave@") == set()


@pytest.mark.parametrize("shown", [True, False])
def test_a_private_key_is_forgotten_by_itself_and_by_its_digest(shown: bool, project: Project) -> None:
    job(project, key="email")
    project.run("run", "job.yaml")
    digest = label("bob@example.net")
    assert forget(project, digest if shown else "bob@example.net").tables[0].rows == 6
    assert holding(project.folder / "output/shop", "bob@", digest) == set()


def test_answers_that_were_asked_for_once_more_go_too(ran: Project) -> None:
    folder = ran.folder / "output/shop"
    ran.run("run", "job.yaml", "--retry-failed")
    assert [row[2:] for row in attempts(folder)].count(("009", "superseded")) == 2
    assert forget(ran, "009").attempts == 5
    assert "009" not in {row[2] for row in attempts(folder)}


def test_what_waits_in_a_reserve_is_forgotten_too(ran: Project) -> None:
    folder = ran.folder / "output/shop"
    rows = [row for row in attempts(folder, COLUMNS) if row[8] == "008"]
    with closing(sqlite3.connect(folder / "journal.sqlite", isolation_level=None)) as journal:
        journal.execute("DELETE FROM attempts WHERE record = '008'")
    spilled = Path(Spill(folder / "journal.sqlite").spill(rows))
    (spilled.parent / "old.damaged").write_text("half a line of 008")
    forgotten = forget(ran, "008")
    assert (forgotten.attempts, forgotten.spilled) == (3, 1)
    assert list(spilled.parent.iterdir()) == []
    assert holding(folder, "Dear Bob") == set()


def test_a_journal_that_somebody_reads_is_not_half_forgotten(
    ran: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pipeline.journal.database.LOCK_SECONDS", 0.2)
    reader = sqlite3.connect(ran.folder / "output/shop/journal.sqlite", isolation_level=None)
    reader.execute("BEGIN")
    reader.execute("SELECT * FROM attempts").fetchone()
    with pytest.raises(DiskError, match="cannot be rewritten"):
        forget(ran, "008")
    reader.close()
    assert forget(ran, "008").left == []
    assert holding(ran.folder / "output/shop", "Dear Bob") == set()
