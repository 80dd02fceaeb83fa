"""Runs that end at a time, and models with hours."""

from __future__ import annotations

import time
from datetime import datetime, timedelta
from types import SimpleNamespace

import pytest

from pipeline.testing import Script
from tests.support.project import Project
from tests.support.served import served
from tests.support.server import serve


def hours(first: int, last: int) -> str:
    """Hours of the day from so many minutes after now until so many."""
    now = datetime.now()
    return "-".join((now + timedelta(minutes=minutes)).strftime("%H:%M") for minutes in (first, last))


def test_a_run_ends_before_its_time_and_the_next_one_goes_on(project: Project) -> None:
    with serve(Script(latency=0.3)) as server:
        project.job(models=served(server.base_url, limits={"concurrency": 2}), records=Project.numbered(200))
        began = time.time()
        done = project.run("run", "job.yaml", "--for", "7s")
        assert done.returncode == 75, done.stderr
        ended, ledger = time.time(), server.ledger()
        assert 2 <= ledger.billed < 60 and ledger.billed == ledger.requests
        assert max(line.at for line in ledger.lines) < ended
        assert ended < began + 10
        assert "the run ends at" in done.stderr and f"done: {ledger.billed} rows" in done.stderr
        assert "to go on: python -m pipeline run job.yaml\n" in done.stderr
        assert project.run("run", "job.yaml", "--limit", str(ledger.billed + 4)).returncode == 0
        assert server.ledger().billed == ledger.billed + 4 and server.ledger().overpaid == 0


def test_a_run_sends_nothing_that_would_be_answered_after_its_time(project: Project) -> None:
    with serve(Script(latency=0.3)) as server:
        project.job(models=served(server.base_url, limits={"concurrency": 2}), records=Project.numbered(200))
        until = datetime.now() + timedelta(seconds=3)
        done = project.run("run", "job.yaml", "--until", until.isoformat())
        assert done.returncode == 75 and "deadline" in done.stderr, done.stderr
        assert all(line.at < until.timestamp() for line in server.ledger().lines)


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (("--for", "2x"), "--for: '2x' is not a duration: write 6h, 90m"),
        (("--until", "25:00"), "--until: '25:00' is not a time: write 07:00"),
        (("--until", "2020-01-01T00:00"), "has passed: it is"),
        (("--for", "2h", "--until", "07:00"), "either --until or --for"),
    ],
)
def test_times_that_make_no_sense_are_refused(
    project: Project, options: tuple[str, ...], sentence: str
) -> None:
    project.job()
    done = project.run("run", "job.yaml", *options)
    assert done.returncode == 2 and sentence in done.stderr
    assert not (project.folder / "output").exists()


def test_a_run_waits_for_a_models_hours_and_says_until_when(project: Project) -> None:
    with serve(Script(latency=0.01)) as server:
        closed = hours(3, 90)
        project.job(models=served(server.base_url, limits={"hours": closed}))
        process = project.start("run", "job.yaml")
        try:
            assert process.stderr is not None
            said = process.stderr.readline()
            assert f"writer: waits for its hours, until {closed[:5]}" in said
            run = project.numbers("status", "job.yaml")["run"]
            assert run["lanes"][0]["binding"] == "hours" and run["requests"]["sent"] == 0
            assert project.run("ctl", "job.yaml", "stop").returncode == 0
            assert process.wait(20) == 130
        finally:
            process.kill()
            process.communicate()
        assert server.ledger().requests == 0
        project.job(models=served(server.base_url, limits={"hours": hours(-3, 90)}))
        assert project.run("run", "job.yaml").returncode == 0
        assert server.ledger().billed == 3


def test_hours_that_make_no_sense_are_refused_with_their_place(project: Project) -> None:
    project.job(models=served("http://127.0.0.1:9/v1", limits={"hours": "from ten to six"}))
    done = project.run("run", "job.yaml")
    assert done.returncode == 2
    assert "job.yaml:12:14: models.writer.limits.hours" in done.stderr, done.stderr
    assert "write 22:00-06:00" in done.stderr


def test_a_clock_that_was_ahead_once_does_not_hold_the_next_runs_back(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    with serve(Script()) as server:
        project.job(models=served(server.base_url, limits={"rpd": 5}), records=Project.numbered(10))
        with monkeypatch.context() as ahead:
            later = SimpleNamespace(time=lambda: time.time() + 30 * 86400)
            ahead.setattr("pipeline.journal.rows.time", later)
            assert project.run("run", "job.yaml", "--limit", "5").returncode == 0
        done = project.run("run", "job.yaml")
        assert done.returncode == 0, done.stderr
        said = "5 earlier attempts at a time still to come: the clock was ahead; no limit counts them"
        assert said in done.stderr
        assert server.ledger().billed == 10
