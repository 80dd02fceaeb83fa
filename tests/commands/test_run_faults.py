"""Whole runs that meet faults; the ledger of the scripted server says what was paid for."""

from __future__ import annotations

import json
import time

import polars as pl
import pytest

from pipeline.testing import Rule, Script
from tests.support.project import KEY, Project
from tests.support.server import serve

QUICK = Script(latency=0.01)


def test_a_refused_row_is_kept_with_its_reason_and_the_exit_code_says_so(project: Project) -> None:
    faults = (Rule(match="lamp", fault="bad_request"),)
    with serve(Script(faults=faults)) as server:
        project.job(server.base_url, output={"to": "output/shop/posts.csv", "include": ["status", "reason"]})
        done = project.run("run", "job.yaml")
        assert done.returncode == 3
        assert "1 failed" in done.stdout and "failures.csv" in done.stdout
    result = project.result()
    assert result["_status"].to_list() == ["ok", "failed", "ok"]
    assert result["post"].to_list()[1] is None
    assert "bad_request" in (result["_reason"].to_list()[1] or "")
    failures = pl.read_csv(project.folder / "output/shop/failures.csv", infer_schema=False)
    assert failures["key"].to_list() == ["008"] and failures["billed"].to_list() == ["no"]


def test_a_failed_row_is_asked_again_by_the_next_run_and_the_list_of_failures_goes(project: Project) -> None:
    with serve(Script(faults=(Rule(match="lamp", times=1, fault="bad_request"),))) as server:
        project.job(server.base_url)
        assert project.run("run", "job.yaml").returncode == 3
        assert (project.folder / "output/shop/failures.csv").exists()
        done = project.run("run", "job.yaml")
        assert done.returncode == 0, done.stdout
        assert server.ledger().billed == 3
    assert not (project.folder / "output/shop/failures.csv").exists()


@pytest.mark.parametrize(("fault", "digits"), [("bad_request", "47"), ("server_error", "7")])
def test_rows_that_fail_again_alone_end_as_failed_rows_and_not_as_an_outage(
    project: Project, fault: str, digits: str
) -> None:
    faults = tuple(Rule(match=f"{digit}.", fault=fault) for digit in digits)
    with serve(Script(latency=0.01, faults=faults)) as server:
        limits = {"concurrency": 32, "outage": 5, "retries": 1, "maybe_billed_retries": 1}
        model = {"model": "m", "base_url": server.base_url, "api_key_env": "TEST_KEY", "limits": limits}
        project.job(server.base_url, records=Project.numbered(400), models={"writer": model})
        said = [project.run("run", "job.yaml") for _ in range(2)]
    assert [done.returncode for done in said] == [3, 3], said[-1].stderr
    assert project.result()["post"].null_count() == 40 * len(digits)


@pytest.mark.parametrize(
    ("fault", "kind", "allowed"),
    [("length", "truncated", "length"), ("refusal", "refused", "refusal"), ("empty", "empty", "empty")],
)
def test_a_broken_answer_is_a_failure_unless_the_step_allows_it(
    project: Project, fault: str, kind: str, allowed: str
) -> None:
    with serve(Script(faults=(Rule(match="lamp", fault=fault),))) as server:
        project.job(server.base_url)
        assert project.run("run", "job.yaml").returncode == 3
        failures = (project.folder / "output/shop/failures.csv").read_text()
        assert f",post,{kind}," in failures and failures.rstrip().endswith(",yes")
        done = project.run("run", "job.yaml", "--set", f"steps.post.allow=[{allowed}]")
        assert done.returncode == 0, done.stdout
        assert server.ledger().billed == 3, "a paid answer is judged again, not asked again"


def test_retry_failed_pays_again_for_rejected_answers_and_for_nothing_else(project: Project) -> None:
    with serve(Script(faults=(Rule(match="lamp", times=2, fault="length"),))) as server:
        project.job(server.base_url)
        assert project.run("run", "job.yaml").returncode == 3
        assert project.run("run", "job.yaml", "--retry-failed").returncode == 3
        done = project.run("run", "job.yaml", "--retry-failed")
        assert done.returncode == 0 and "1 paid answer of" in done.stderr, done.stderr
        assert server.ledger().billed == 5
    assert project.result()["_status"].to_list() == ["ok"] * 3


@pytest.mark.parametrize(
    ("fault", "code"), [("unauthorized", 4), ("forbidden", 4), ("not_found", 75), ("redirect", 75)]
)
def test_a_fatal_fault_stops_the_run_after_a_round_and_one_from_elsewhere(
    project: Project, fault: str, code: int
) -> None:
    with serve(Script(latency=0.02, faults=(Rule(every=1, fault=fault),))) as server:
        project.job(server.base_url, records=Project.numbered(200))
        done = project.run("run", "job.yaml")
        assert done.returncode == code, done.stderr
        assert "to go on: python -m pipeline run job.yaml" in done.stderr
        assert server.ledger().requests <= 5
        assert KEY not in done.stderr + done.stdout
    assert not (project.folder / "output/shop/posts.csv").exists()


def test_an_exhausted_quota_stops_the_run_and_the_same_command_goes_on_later(project: Project) -> None:
    records = Project.numbered(60)
    with serve(Script(latency=0.01, faults=(Rule(after=20, fault="insufficient_quota"),))) as server:
        project.job(server.base_url, records=records)
        done = project.run("run", "job.yaml")
        assert done.returncode == 4 and "out_of_quota" in done.stderr
        assert server.ledger().billed == 20 and server.ledger().requests <= 24
    with serve(QUICK) as server:
        project.job(server.base_url, records=records)
        assert project.run("run", "job.yaml").returncode == 0
        assert server.ledger().billed == 40
    assert project.result().height == 60


def test_passing_faults_are_retried_and_no_answer_is_paid_twice(project: Project) -> None:
    faults = (
        Rule(every=5, times=1, fault="server_error"),
        Rule(every=7, times=1, fault="rate_limit", retry_after=0.3),
    )
    with serve(Script(latency=0.01, faults=faults)) as server:
        project.job(server.base_url, records=Project.numbered(40))
        done = project.run("run", "job.yaml")
        assert done.returncode == 0, done.stderr
        ledger = server.ledger()
    assert ledger.billed == 40 and ledger.repeats == 0 and ledger.refused > 5


def test_a_retry_is_never_earlier_than_the_server_told(project: Project) -> None:
    with serve(Script(faults=(Rule(first=1, fault="rate_limit", retry_after=1.5),))) as server:
        project.job(server.base_url, records=Project.numbered(1))
        began = time.monotonic()
        assert project.run("run", "job.yaml").returncode == 0
        assert time.monotonic() - began > 1.5
        first, second = server.ledger().lines
        assert second.at - first.at >= 1.5


@pytest.mark.parametrize("fault", ["garbage", "html", "empty_body", "truncate_body", "error_body"])
def test_a_reply_that_is_none_is_asked_again_and_never_written(project: Project, fault: str) -> None:
    with serve(Script(faults=(Rule(match="lamp", times=1, fault=fault),))) as server:
        project.job(server.base_url)
        done = project.run("run", "job.yaml")
        assert done.returncode == 0, done.stderr
    assert project.result()["post"].str.contains("Write about").to_list() == [True] * 3


def test_a_deadline_holds_for_a_server_that_never_answers(project: Project) -> None:
    with serve(Script(faults=(Rule(match="lamp", fault="hang"),))) as server:
        project.job(server.base_url)
        began = time.monotonic()
        done = project.run(
            "run", "job.yaml", "--set", "models.writer.limits={timeout: 0.4, maybe_billed_retries: 1}"
        )
        assert done.returncode == 3 and time.monotonic() - began < 15
    assert "timeout" in (project.folder / "output/shop/failures.csv").read_text()


def test_no_file_of_a_run_holds_the_key_and_no_event_holds_a_prompt(project: Project) -> None:
    with serve(Script(api_key="another", latency=0.01)) as server:
        project.job(server.base_url)
        done = project.run("run", "job.yaml")
        assert done.returncode == 4 and "the server refused the key" in done.stderr
    with serve(QUICK) as server:
        project.job(server.base_url)
        assert project.run("run", "job.yaml").returncode == 0
    files = [file for file in (project.folder / "output").rglob("*") if file.is_file()]
    assert len(files) >= 4
    for file in files:
        assert KEY.encode() not in file.read_bytes(), file
    assert "Write about" not in (project.folder / "output/shop/events.jsonl").read_text()
    assert KEY not in done.stdout + done.stderr


def test_every_refused_row_is_failed_however_quickly_the_refusals_come(project: Project) -> None:
    refusal = [{"match": "thing", "fault": "bad_request"}, {"match": "other", "fault": "length"}]
    records = "sku,title\n0,tea\n" + "".join(f"{i},thing {i}\n" for i in range(1, 40))
    for attempt in range(3):
        model = {"provider": "scripted", "model": f"m{attempt}", "options": {"faults": refusal}}
        project.job(models={"writer": model | {"limits": {"concurrency": 1}}}, records=records)
        done = project.run("run", "job.yaml")
        assert done.returncode == 3, done.stdout
        assert "1 ok, 39 failed" in done.stdout


def test_an_output_that_cannot_be_written_is_found_before_anything_is_sent(project: Project) -> None:
    (project.folder / "folder.csv").mkdir()
    with serve(QUICK) as server:
        project.job(server.base_url)
        assert project.run("run", "job.yaml", "--set", "output.to=folder.csv").returncode == 2
        assert project.run("run", "job.yaml", "--set", "output.to=/proc/posts.csv").returncode == 74
        assert project.run("run", "job.yaml", "--set", "output.to=output/shop/failures.csv").returncode == 2
        assert project.run("run", "job.yaml", "--set", "output.to=[a.csv, a.csv]").returncode == 2
        assert server.ledger().requests == 0


def test_an_export_after_a_stop_calls_what_will_be_tried_again_pending(project: Project) -> None:
    faults = (Rule(match="lamp", fault="rate_limit"), Rule(after=3, fault="insufficient_quota"))
    with serve(Script(faults=faults)) as server:
        project.job(server.base_url, records=Project.numbered(8) + "x,lamp\n")
        assert project.run("run", "job.yaml").returncode == 4
        done = project.run("export", "job.yaml")
    assert done.returncode == 75 and "failed" not in done.stdout, done.stdout


def test_a_host_that_was_never_reached_stops_the_run(project: Project) -> None:
    project.job("http://127.0.0.1:9/v1")
    done = project.run("run", "job.yaml", "--set", "models.writer.limits={retries: 0, outage: 2}")
    assert done.returncode == 75 and "cannot connect to 127.0.0.1:9" in done.stderr
    assert "check base_url" in done.stderr


def test_a_parameter_that_every_request_is_refused_for_stops_the_run(project: Project) -> None:
    with serve(Script(faults=(Rule(every=1, fault="bad_request"),))) as server:
        project.job(server.base_url, records=Project.numbered(300))
        done = project.run("run", "job.yaml")
        assert done.returncode == 75 and "all refused" in done.stderr
        assert server.ledger().requests < 30


def test_a_reply_beyond_all_size_is_paid_for_once(project: Project) -> None:
    with serve(Script(faults=(Rule(match="lamp", fault="huge", bytes=34_000_000),))) as server:
        project.job(server.base_url)
        for _ in range(2):
            assert project.run("run", "job.yaml").returncode == 3
        assert server.ledger().billed == 3
        assert project.run("run", "job.yaml", "--retry-failed").returncode == 3
        assert server.ledger().billed == 4


def test_a_small_job_that_meets_an_outage_can_be_resumed(project: Project) -> None:
    with serve(Script(faults=(Rule(every=1, fault="server_error"),))) as server:
        project.job(server.base_url)
        limits = "models.writer.limits={maybe_billed_retries: 0, outage: 2}"
        done = project.run("run", "job.yaml", "--set", limits)
        assert done.returncode == 75 and "nothing was answered" in done.stderr, done.stderr
        assert "check base_url" in done.stderr
    assert not (project.folder / "output/shop/posts.csv").exists()


def test_with_json_a_stop_is_json_too(project: Project) -> None:
    with serve(Script(faults=(Rule(fault="unauthorized", after=2),))) as server:
        project.job(server.base_url, records=Project.numbered(20))
        done = project.run("run", "job.yaml", "--json", "--set", "models.writer.limits.concurrency=1")
        assert done.returncode == 4
        assert "error: writer (key: TEST_KEY): the run stopped" in done.stderr
        said = json.loads(done.stdout)
        assert (said["exit_code"], said["ok"], said["sent"]) == (4, 2, 5)
        assert said["error"]["where"] == "writer (key: TEST_KEY)"
        done = project.run("run", "job.yaml", "--set", "budget.requests=2")
    assert done.returncode == 4 and "run job.yaml --set budget.requests=MORE\n" in done.stderr
    missing = json.loads(project.run("plan", "jub.yaml", "--json").stdout)
    assert missing["exit_code"] == 2 and missing["error"]["where"] == "jub.yaml"


@pytest.mark.parametrize(
    "wrong",
    [
        "localhost:8000/v1",
        "http://u:hidden@127.0.0.1:9/v1",
        "http://127.0.0.1:99999/v1",
        "http://x/?key=hidden",
    ],
)
def test_an_address_in_the_environment_that_is_none_is_an_error(wrong: str, project: Project) -> None:
    project.job(models={"writer": {"model": "m"}})
    done = project.run("run", "job.yaml", OPENAI_BASE_URL=wrong, OPENAI_API_KEY="sk-none-of-these")
    assert done.returncode == 2, done.stderr
    assert "$OPENAI_BASE_URL: the address in it must" in done.stderr
    assert "hidden" not in done.stderr
