"""A journal of version 1 is read as it is, taken over by a run, and never paid for again."""

from __future__ import annotations

import os
import sqlite3
import subprocess
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest
import yaml

from pipeline.journal import accounts
from pipeline.journal.database import VERSION
from pipeline.journal.journal import Journal
from pipeline.journal.rows import AT_MOST
from pipeline.testing import Script, Server
from tests.support.project import Project
from tests.support.server import serve

VERSION_1 = """
CREATE TABLE attempts (
    seq     INTEGER PRIMARY KEY,
    digest  BLOB NOT NULL,
    outcome TEXT NOT NULL,
    billed  TEXT NOT NULL,
    fate    TEXT NOT NULL,
    message TEXT NOT NULL,
    api     TEXT NOT NULL,
    model   TEXT NOT NULL,
    step    TEXT NOT NULL,
    record  TEXT NOT NULL,
    at      REAL NOT NULL,
    seconds REAL NOT NULL,
    body    BLOB NOT NULL
);
CREATE INDEX attempts_by_digest ON attempts (digest);
CREATE TABLE runs (started REAL NOT NULL, job BLOB NOT NULL, ended REAL, outcome TEXT);
CREATE VIEW readable AS
    SELECT seq, lower(hex(digest)) AS digest, outcome, billed, message, model, step, record,
           datetime(at, 'unixepoch') AS at, seconds, CAST(body AS TEXT) AS body FROM attempts;
PRAGMA user_version = 1;
"""
KEPT = "digest, outcome, billed, fate, message, api, model, step, record, at, seconds, body"
PRICE = {"input": 1.0, "output": 2.0}


def priced(project: Project, base_url: str, **changes: Any) -> Path:
    """A job whose model has a price, and whose table stands outside of its folder."""
    file = project.job(base_url, output={"to": "posts.csv"}, **changes)
    job = yaml.safe_load(file.read_text())
    job["models"]["writer"]["price"] = PRICE
    file.write_text(yaml.safe_dump(job, sort_keys=False))
    return file


def made_older(folder: Path) -> Path:
    """The journal in a job's folder, put back to version 1, with what only an older program leaves."""
    path = folder / "journal.sqlite"
    newer = path.rename(folder / "newer")
    with closing(sqlite3.connect(path)) as old:
        old.execute("PRAGMA journal_mode = WAL")
        old.executescript(VERSION_1)
        old.execute("ATTACH ? AS newer", (str(newer),))
        old.execute(f"INSERT INTO attempts ({KEPT}) SELECT {KEPT} FROM newer.attempts")
        old.execute("INSERT INTO runs SELECT started, job, ended, outcome FROM newer.runs")
        stray = "INSERT INTO attempts (digest, outcome, billed, fate, message, api, model, step, record, at, "
        stray += "seconds, body) VALUES (x'00', ?, ?, ?, '', 'chat', 'm', 'post', '1', 0, 1, ?)"
        old.execute(stray, ("server_error", "maybe", "retry", b"oops"))
        old.execute(
            stray,
            (
                "superseded",
                "yes",
                "",
                b'{"choices":[{"message":{"content":"x"}}],"usage":{"prompt_tokens":7,"completion_tokens":9}}',
            ),
        )
        old.execute(stray, ("answered", "yes", "", b"<html>"))
        old.commit()
    for file in folder.glob("newer*"):
        file.unlink()
    path.chmod(0o600)
    return path


@contextmanager
def read_only(folder: Path) -> Iterator[None]:
    """The folder as it is on a disk that cannot be written, also for root."""
    if os.geteuid():
        folder.chmod(0o555)
        yield
        folder.chmod(0o755)
        return
    for options in (["--bind", str(folder), str(folder)], ["-o", "remount,bind,ro", str(folder)]):
        if subprocess.run(["mount", *options], check=False).returncode:
            subprocess.run(["umount", str(folder)], check=False, capture_output=True)
            pytest.skip("cannot mount here")
    try:
        yield
    finally:
        subprocess.run(["umount", str(folder)], check=True)


@pytest.fixture
def server() -> Iterator[Server]:
    with serve(Script(latency=0.01)) as one:
        yield one


@pytest.fixture
def old(project: Project, server: Server) -> Path:
    """A journal of version 1 with the answers to all three rows."""
    priced(project, server.base_url)
    assert project.run("run", "job.yaml").returncode == 0
    (project.folder / "posts.csv").rename(project.folder / "before.csv")
    return made_older(project.folder / "output/shop")


def tables(path: Path) -> tuple[int, list[Any]]:
    """The version of a journal, and its attempts as version 1 has them."""
    with closing(sqlite3.connect(f"file:{path}?immutable=1", uri=True)) as plain:
        ((version,),) = plain.execute("PRAGMA user_version")
        return version, plain.execute(f"SELECT seq, {KEPT} FROM attempts ORDER BY seq").fetchall()


def contents(folder: Path) -> dict[str, bytes]:
    return {file.name: file.read_bytes() for file in folder.iterdir()}


def test_plan_and_status_read_it_on_a_disk_that_cannot_be_written(project: Project, old: Path) -> None:
    before = contents(old.parent)
    with read_only(old.parent):
        plan = project.numbers("plan", "job.yaml")
        status = project.numbers("status", "job.yaml")
    assert (plan["missing"], plan["complete"]) == (0, 3)
    assert status["last_run"] == "finished"
    assert sum(row["attempts"] for row in status["attempts"]) == 6
    assert contents(old.parent) == before


def test_an_export_reads_it_on_a_disk_that_cannot_be_written(project: Project, old: Path) -> None:
    before = contents(old.parent)
    with read_only(old.parent):
        done = project.run("export", "job.yaml")
    assert done.returncode == 0, done.stderr
    assert (project.folder / "posts.csv").read_bytes() == (project.folder / "before.csv").read_bytes()
    assert contents(old.parent) == before


def test_the_last_of_several_older_runs_is_the_last(old: Path) -> None:
    with closing(sqlite3.connect(old)) as plain:
        plain.execute("INSERT INTO runs VALUES (?, ?, ?, ?)", (1e10, b"digest", 1e10, "stopped"))
        plain.commit()
    journal = Journal.read_only(old)
    last = journal.last_run()
    journal.close()
    assert last is not None
    assert (last.job, last.outcome) == (b"digest", "stopped")


def test_where_the_folder_can_be_written_reading_changes_no_version_either(
    project: Project, old: Path
) -> None:
    before = tables(old)
    assert before[0] == 1
    for command in ("plan", "status", "export", "show"):
        assert project.run(command, "job.yaml").returncode == 0
    assert tables(old) == before


def test_a_plan_for_what_is_missing_does_not_take_uncounted_answers_for_empty_ones(
    project: Project, server: Server, old: Path
) -> None:
    priced(project, server.base_url, records="sku,title\n007,tea\n010,box\n")
    plan = project.numbers("plan", "job.yaml")
    assert (plan["missing"], plan["complete"]) == (1, 1)
    assert plan["steps"][0]["output_tokens"] > 0
    assert plan["steps"][0]["cost"] > 0


def test_a_run_takes_it_over_pays_for_nothing_again_and_counts_what_was_paid(
    project: Project, server: Server, old: Path
) -> None:
    attempts = tables(old)[1]
    done = project.run("run", "job.yaml")
    assert done.returncode == 0, done.stderr
    assert server.ledger().requests == 3, "nothing was sent again"
    assert (project.folder / "posts.csv").read_bytes() == (project.folder / "before.csv").read_bytes()
    version, kept = tables(old)
    unreadable = attempts.pop()
    assert unreadable[-1] == b"<html>"
    assert kept.pop() == (*unreadable[:5], AT_MOST, *unreadable[6:]), "it counts at its worst"
    assert (version, kept) == (VERSION, attempts), "taken over, and not a byte of a reply changed"
    journal = Journal.read_only(old)
    (step,) = accounts.by_step(journal)
    assert journal.uncounted([]) == []
    journal.close()
    billed = [line for line in server.ledger().lines if line.billed]
    taken, given = sum(line.input for line in billed) + 7, sum(line.output for line in billed) + 9
    assert (step.input, step.output) == (taken, given)
    assert step.cost == taken * 1000 + given * 2000, "nano-dollars"


def test_an_upgraded_journal_goes_on_like_any_other(project: Project, server: Server, old: Path) -> None:
    priced(project, server.base_url, records="sku,title\n007,tea\n010,box\n")
    assert project.run("run", "job.yaml").returncode == 0
    assert server.ledger().billed == 4
    priced(project, server.base_url)
    assert project.numbers("run", "job.yaml")["sent"] == 0
    status = project.numbers("status", "job.yaml")
    assert status["last_run"] == "finished"
    assert status["cost"] > 0
    with closing(sqlite3.connect(old)) as plain:
        counted = plain.execute("SELECT record FROM readable WHERE dollars > 0 AND input > 0").fetchall()
    assert ("007",) in counted and ("010",) in counted
