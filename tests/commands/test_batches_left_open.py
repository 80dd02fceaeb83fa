"""Batches that are open when something else has changed: what they cost is collected, or said."""

from __future__ import annotations

import errno
import json
import os
import shutil
import time
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any

import pytest

from pipeline.providers.http.batches import Batches, batches_of
from pipeline.testing import Script
from pipeline.testing.script import BatchRule, BatchScript
from tests.support.batch_office import office
from tests.support.nights import HOURS, fail_batches, pass_a_night
from tests.support.project import Project
from tests.support.served import bill, nano, served
from tests.support.server import serve

SOON = Script(batches=BatchScript(latency=0.3))
FIRST = {"name": "post", "prompt": "Write about: {{ title }} {{ sku }}", "model": "writer"}


def job(project: Project, base_url: str, rows: int, lane: str = "batch", **changes: Any) -> None:
    limits = {"timeout": 20, "outage": 0.5}
    models = served(base_url, lane=lane, limits=limits, params={"max_tokens": 40})
    models |= {"critic": served(base_url, params={"max_tokens": 40}, model="k")["writer"]}
    project.job(records=Project.numbered(rows), **{"models": models, "steps": [FIRST], **changes})


def detached(project: Project, *more: str) -> CompletedProcess[str]:
    done = project.run("run", "job.yaml", "--detach", *more)
    assert done.returncode == 75, done.stderr
    return done


def collected(project: Project, *more: str) -> str:
    """Run until no batch is open; what the last run has said."""
    until = time.monotonic() + 20
    while True:
        done = project.run("run", "job.yaml", *more)
        assert done.returncode == 0, done.stderr
        if all(one["state"] in ("ended", "refused") for one in standing(project)["batches"]):
            return done.stderr
        assert time.monotonic() < until, "a batch is open, and no run collects it"
        assert "still under way" in done.stderr


def standing(project: Project) -> dict[str, Any]:
    return project.numbers("status", "job.yaml")


def test_what_no_row_waits_for_any_more_is_collected_too(project: Project) -> None:
    with serve(SOON) as server:
        job(project, server.base_url, 2, lane="sync")
        assert project.run("run", "job.yaml").returncode == 0
        job(project, server.base_url, 6)
        detached(project)
        job(project, server.base_url, 2)  # the rows of the batch are gone
        assert "4 of 4 requests answered" in collected(project)
        assert nano(standing(project)["cost"]) == bill(server.ledger())
        job(project, server.base_url, 6)
        assert project.run("run", "job.yaml").returncode == 0
        assert server.ledger().billed == 6 and server.ledger().overpaid == 0


def test_a_batch_that_was_left_is_collected_when_it_ends(project: Project) -> None:
    faults = (
        BatchRule(fault="stall", every=1, part=0.5),
        BatchRule(fault="slow_cancel", every=1, seconds=1),
    )
    with serve(Script(batches=BatchScript(latency=0.5, faults=faults))) as server:
        job(project, server.base_url, 6)
        detached(project)
        time.sleep(0.6)
        at = time.strftime("%H:%M", time.localtime(time.time() + 60))
        done = project.run("run", "job.yaml", "--by", at, "--buffer", "10m", "--detach")
        assert done.returncode == 0, "the buffer has begun, so nothing is left for later"
        assert "6 requests may be paid for twice" in done.stderr
        collected(project)
        assert server.ledger().overpaid == 3
        assert nano(standing(project)["cost"]) == bill(server.ledger())


def test_a_server_that_does_not_know_a_batch_is_not_asked_for_its_requests_again(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(batches_of.__wrapped__, "__defaults__", ((0.0,),))  # type: ignore[attr-defined]
    with serve(SOON) as server, serve(SOON) as other:
        job(project, server.base_url, 6)
        detached(project)
        time.sleep(0.4)
        job(project, other.base_url, 6)
        done = project.run("run", "job.yaml")
        assert done.returncode == 75 and "Change them back" in done.stderr, done.stderr
        assert other.ledger().billed == 0
        job(project, server.base_url, 6)
        assert project.run("run", "job.yaml").returncode == 0
        assert server.ledger().billed == 6 and nano(standing(project)["cost"]) == bill(server.ledger())


def test_a_batch_that_is_given_up_may_have_been_paid_for(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(batches_of.__wrapped__, "__defaults__", ((0.0,),))  # type: ignore[attr-defined]
    with serve(SOON) as server, serve(SOON) as other:
        job(project, server.base_url, 6)
        detached(project)
        job(project, other.base_url, 6)
        assert project.run("ctl", "job.yaml", "cancel").returncode == 0
        assert project.run("run", "job.yaml").returncode == 0
        sure, maybe = (nano(standing(project)[key]) for key in ("cost", "maybe_cost"))
        assert sure == bill(other.ledger()) and maybe >= bill(server.ledger()) > 0


def test_answers_are_collected_without_the_files_that_were_submitted(project: Project) -> None:
    with serve(SOON) as server:
        job(project, server.base_url, 6)
        detached(project)
        shutil.rmtree(project.folder / "output/shop/batches")
        done = project.run("run", "job.yaml")
        assert done.returncode == 0, done.stderr
        assert server.ledger().billed == 6 and nano(standing(project)["cost"]) == bill(server.ledger())


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EFBIG, errno.EROFS])
def test_results_that_the_disk_does_not_take_stay_at_the_server(
    project: Project, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    async def full(*_: object) -> None:
        raise OSError(number, os.strerror(number))

    with serve(SOON) as server:
        job(project, server.base_url, 6)
        detached(project)
        with monkeypatch.context() as patch:
            patch.setattr(Batches, "fetch", full)
            done = project.run("run", "job.yaml")
        assert done.returncode == 74, done.stderr
        assert f".results.jsonl: cannot write the file of a batch: {os.strerror(number)}" in done.stderr
        assert "standard output" not in done.stderr and "1 batch still at the server" in done.stderr
        assert project.run("run", "job.yaml").returncode == 0
        assert server.ledger().overpaid == 0 and nano(standing(project)["cost"]) == bill(server.ledger())


def test_a_pilot_whose_rows_are_in_open_batches_says_so_and_reckons_nothing(project: Project) -> None:
    with serve(Script(batches=BatchScript(latency=60))) as server:
        job(project, server.base_url, 3)
        detached(project)
        done = project.run("run", "job.yaml", "--pilot", "2")
        assert done.returncode == 75, done.stdout
        assert "the pilot says nothing of the cost: open batches hold 2 rows of it" in done.stderr
        assert "about $" not in done.stdout and server.ledger().billed <= 3


def test_what_was_submitted_is_opened_once_for_all_answers(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened, whole = list[str](), Path.open

    def counted(path: Path, *how: Any, **named: Any) -> Any:
        opened.append(path.name)
        return whole(path, *how, **named)

    with serve(SOON) as server:
        job(project, server.base_url, 30)
        detached(project)
        monkeypatch.setattr(Path, "open", counted)
        assert project.run("run", "job.yaml").returncode == 0
    assert len([one for one in opened if one.startswith("shop-") and ".results" not in one]) == 1


def test_a_batch_that_cannot_be_looked_for_stops_the_run_and_is_found_later(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(batches_of.__wrapped__, "__defaults__", ((0.0,),))  # type: ignore[attr-defined]
    with office(faults={"create": ["500 after"], "list": ["500"] * 99}) as fake:
        job(project, fake.url, 3)
        done = project.run("run", "job.yaml")
        assert done.returncode == 75 and "Traceback" not in done.stderr, done.stderr
        assert fake.faults.pop("list")
        detached(project)
        assert len(fake.batches) == 1


@pytest.mark.parametrize("limit", [{"requests": 9}, {"requests": 12}, {"cost": 0.0012}, {"tokens": 250}])
def test_a_budget_ends_a_run_of_two_lanes_and_never_holds_it_up(
    project: Project, limit: dict[str, Any]
) -> None:
    steps = [FIRST, {"name": "mark", "prompt": "Mark: {{ post }}", "model": "critic"}]
    with serve(SOON) as server:
        job(project, server.base_url, 3, steps=steps)
        detached(project)
        job(project, server.base_url, 6, steps=steps, budget=limit)
        done = project.run("run", "job.yaml")
        assert done.returncode == (0 if limit == {"requests": 12} else 4), done.stderr
        assert server.ledger().billed <= limit.get("requests", 12)
        assert nano(standing(project)["cost"]) == bill(server.ledger())


def test_a_budget_that_was_short_for_a_while_stops_no_run_that_is_done(project: Project) -> None:
    with serve(SOON) as server:
        job(project, server.base_url, 6, budget={"cost": 0.0008})
        done = project.run("run", "job.yaml")
        assert done.returncode == 0, done.stderr
        assert len(standing(project)["batches"]) > 1, "not all was put into the first batch"
        assert server.ledger().billed == 6


def test_a_request_that_batches_never_work_on_is_sent_by_itself(project: Project) -> None:
    said = {"role": "assistant", "content": "x"}
    reply = {"choices": [{"index": 0, "finish_reason": "stop", "message": said}]}
    answered = {"response": {"status_code": 200, "body": reply}}
    failed = {"response": None, "error": {"code": "odd", "message": "no"}}
    with office() as fake:
        job(project, fake.url, 2)
        for _ in range(2):
            detached(project)
            _, asked = fake.files[fake.batches[-1]["input_file_id"]]
            names = [{"custom_id": json.loads(line)["custom_id"]} for line in asked.splitlines()]
            lines: list[Any] = [names.pop() | failed, *(name | answered for name in names)]
            fake.end("\n".join(map(json.dumps, lines)).encode())
        done = project.run("run", "job.yaml")
        assert done.returncode == 3 and "1 bad_request" in done.stdout, done.stdout + done.stderr
        assert len(fake.batches) == 2


def test_a_plan_counts_what_is_in_open_batches_apart(project: Project) -> None:
    steps = [FIRST, {"name": "mark", "prompt": "Mark: {{ post }}", "model": "writer"}]
    limits = {"cost": 1.0, "tokens": 100_000, "requests": 100}
    with serve(SOON) as server:
        job(project, server.base_url, 4, steps=steps, budget=limits)
        detached(project)
        job(project, server.base_url, 6, steps=steps, budget=limits)
        plan = project.numbers("plan", "job.yaml")
        first, second = plan["steps"]
        assert [first[key] for key in ("answered", "missing", "in_batches")] == [0, 2, 4]
        assert [second[key] for key in ("answered", "missing", "in_batches", "later")] == [0, 0, 0, 6]
        at_most = nano(plan["in_batches_most"])
        assert first["cost"] * 1e9 * 2 <= at_most, "four of them cost at the most what two cost, twice"
        assert plan["left_of"]["requests"] == [96, 100] and plan["left_of"]["tokens"][0] < 100_000
        said = project.run("plan", "job.yaml").stdout
        assert "In open batches: 4 requests, at most $" in said and "in batches" in said.splitlines()[1]
        time.sleep(0.4)
        while (done := project.run("run", "job.yaml", "--detach")).returncode:
            assert done.returncode == 75, done.stderr
            plan = project.numbers("plan", "job.yaml")
            assert plan["missing"] == 0, "all that can be asked is submitted"
            held = sum(one["in_batches"] for one in plan["steps"])
            known = sum(one["answered"] for one in plan["steps"])
            assert held == plan["in_batches"] == 12 - plan["later"] - known
        plan = project.numbers("plan", "job.yaml")
        assert (plan["in_batches"], plan["in_batches_most"], plan["missing"]) == (0, 0.0, 0)
        assert "In open batches" not in project.run("plan", "job.yaml").stdout


def test_before_a_deadline_a_server_without_batches_is_gone_round(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    fail_batches(monkeypatch, lambda now, name: name != "cancel", lambda: True)
    morning = pass_a_night(tmp_path, hours=0.26, faults=[], seed=1, rows=4)
    assert morning.ok == 4 and 30 < morning.seconds < 0.26 * HOURS
    assert morning.at("4 requests may be paid for twice") is not None
    assert morning.bills.twice == 0
