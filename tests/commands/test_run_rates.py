"""Whole runs against rates, outages and dead keys: the server's ledger says what was asked and paid."""

from __future__ import annotations

import time

from pipeline.testing import Rule, Script
from pipeline.testing.script import Quota
from tests.support.project import KEY, Project
from tests.support.served import served
from tests.support.server import serve


def lane_of(project: Project) -> dict[str, object]:
    """The one lane of the last run."""
    lane: dict[str, object]
    (lane,) = project.numbers("status", "job.yaml")["run"]["lanes"]
    return lane


def test_a_dead_key_costs_a_handful_of_requests_and_the_right_one_completes(project: Project) -> None:
    with serve(Script(api_key=KEY, latency=0.02)) as server:
        project.job(models=served(server.base_url), records=Project.numbered(200))
        done = project.run("run", "job.yaml", TEST_KEY="sk-wrong-0987654321")
        assert done.returncode == 4, done.stderr
        assert "the server refused the key" in done.stderr and "sk-wrong" not in done.stderr
        assert "to go on: python -m pipeline run job.yaml" in done.stderr and "done:" not in done.stderr
        assert server.ledger().requests <= 16
        assert not (project.folder / "output/shop/failures.csv").exists()
        done = project.run("run", "job.yaml")
        assert done.returncode == 0, done.stderr
        assert server.ledger().billed == 200 and server.ledger().overpaid == 0


def test_a_model_that_does_not_exist_stops_the_run_with_the_names_that_are_near(project: Project) -> None:
    with serve(Script(models=("m-mini", "m-large"), latency=0.02)) as server:
        project.job(models=served(server.base_url, model="m-mni"), records=Project.numbered(100))
        done = project.run("run", "job.yaml")
        assert done.returncode == 75
        assert "The model 'm-mni' does not exist. Near names: m-mini" in done.stderr
        assert "the server lists: m-mini, m-large" in done.stderr
        assert "check model, base_url (it usually ends in /v1) and api" in done.stderr
        assert server.ledger().requests <= 16


def test_limits_told_by_headers_are_kept_and_shown(project: Project) -> None:
    with serve(Script(latency=0.02, quota=Quota(rpm=1200, burst=20))) as server:
        project.job(models=served(server.base_url), records=Project.numbered(60))
        done = project.run("run", "job.yaml")
        assert done.returncode == 0, done.stderr
        assert server.ledger().billed == 60 and server.ledger().refused <= 6
    assert lane_of(project)["limits"] == {"rpm": 1200}


def test_a_storm_of_refusals_ends_with_every_row_answered_once(project: Project) -> None:
    quota = Quota(rpm=1800, burst=10, retry_after=0.5, headers=False)
    with serve(Script(latency=0.02, quota=quota)) as server:
        project.job(models=served(server.base_url), records=Project.numbered(100))
        done = project.run("run", "job.yaml")
        assert done.returncode == 0, done.stderr
        ledger = server.ledger()
    assert ledger.billed == 100 and ledger.overpaid == 0
    assert ledger.refused <= 35, "one cool-down for the whole lane, not a herd"


def test_an_outage_in_the_middle_fails_no_row(project: Project) -> None:
    outage = Rule(during=(0.5, 3.5), fault="server_error", status=503)
    with serve(Script(latency=0.05, faults=(outage,))) as server:
        project.job(models=served(server.base_url), records=Project.numbered(400))
        done = project.run("run", "job.yaml")
        assert done.returncode == 0, done.stderr
        assert "400 rows: 400 ok" in done.stdout
        assert server.ledger().billed == 400 and server.ledger().overpaid == 0
        assert server.ledger().refused < 200


def test_a_server_that_stays_down_ends_the_run_and_marks_nothing_as_failed(project: Project) -> None:
    with serve(Script(latency=0.02, faults=(Rule(after=30, fault="server_error", status=503),))) as server:
        project.job(models=served(server.base_url, limits={"outage": 2}), records=Project.numbered(100))
        began = time.monotonic()
        done = project.run("run", "job.yaml")
        assert done.returncode == 75 and time.monotonic() - began < 20, done.stderr
        assert "nothing was answered for 2 s" in done.stderr and "done: 30 rows" in done.stderr
        assert not (project.folder / "output/shop/failures.csv").exists()
    with serve(Script()) as server:
        project.job(models=served(server.base_url))
        assert project.run("run", "job.yaml").returncode == 0
        assert server.ledger().billed == 70
    assert project.result().height == 100


def test_a_broken_prompt_stops_after_some_fifty_rows_unless_all_may_fail(project: Project) -> None:
    with serve(Script(faults=(Rule(every=1, fault="length"),))) as server:
        models = served(server.base_url, limits={"concurrency": 2})
        project.job(models=models, records=Project.numbered(140))
        done = project.run("run", "job.yaml")
        assert done.returncode == 75
        assert "50 of the last 50 rows failed" in done.stderr and "truncated" in done.stderr
        assert 50 <= server.ledger().requests <= 54
        done = project.run("run", "job.yaml", "--set", "max_failed=1")
        assert done.returncode == 3 and "140 rows: 140 failed" in done.stdout
        assert server.ledger().requests == 140
        project.job(models=models, records=Project.numbered(142))
        done = project.run("run", "job.yaml")
        assert done.returncode == 3, "what failed before is not counted again"
        assert server.ledger().requests == 142


def test_first_requests_that_are_all_refused_stop_the_run(project: Project) -> None:
    message = "Unsupported parameter: 'max_tokens'"
    with serve(Script(faults=(Rule(every=1, fault="bad_request", message=message),))) as server:
        models = served(server.base_url, limits={"concurrency": 4})
        project.job(models=models, records=Project.numbered(100))
        done = project.run("run", "job.yaml")
        assert done.returncode == 75
        assert "first 5 requests were all refused" in done.stderr and message in done.stderr
        assert server.ledger().requests < 12
        assert not (project.folder / "output/shop/failures.csv").exists()


def test_a_run_knows_what_holds_it_up(project: Project) -> None:
    with serve(Script(latency=0.01)) as server:
        models = served(server.base_url, limits={"rpm": 300})
        project.job(models=models, records=Project.numbered(15))
        done = project.run("run", "job.yaml")
        assert done.returncode == 0, done.stderr
        first, *_, last = sorted(line.arrived for line in server.ledger().lines)
    assert last - first >= 14 / 5 - 0.2
    run = project.numbers("status", "job.yaml")["run"]
    assert run["phase"] == "finished" and run["binds"]["rpm"] > 0.8
    assert run["lanes"][0]["used"]["rpm"] > 0.9, "of what it might have sent in these three seconds"
