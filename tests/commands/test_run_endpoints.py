"""Runs over several endpoints of a model, and with another model to fall back on."""

from __future__ import annotations

from typing import Any

import pytest

from pipeline.testing import Rule, Script
from pipeline.testing.ledger import Account
from tests.support.project import KEY, Project
from tests.support.served import bill, nano, served
from tests.support.server import serve

LABELLED = {"to": "output/shop/posts.csv", "include": ["status", "model"]}


def test_endpoints_that_are_dead_or_down_leave_their_work_to_the_others(project: Project) -> None:
    down = Script(faults=(Rule(every=1, fault="server_error", status=503),))
    good = Script(latency=0.02, api_key="sk-good-1234567890")
    with serve(good) as first, serve(good) as second, serve(down) as third:
        endpoints = [
            {"base_url": first.base_url, "weight": 3, "limits": {"concurrency": 6}},
            {"base_url": second.base_url, "limits": {"concurrency": 6}},
            {"base_url": second.base_url, "api_key_env": "DEAD_KEY"},
            {"base_url": third.base_url},
        ]
        project.job(
            models=served(first.base_url, endpoints=endpoints),
            records=Project.numbered(300),
            output=LABELLED,
        )
        keys = {"TEST_KEY": "sk-good-1234567890", "DEAD_KEY": "sk-dead-1234567890"}
        done = project.run("run", "job.yaml", **keys)
        assert done.returncode == 0, done.stderr
        ledgers = [server.ledger() for server in (first, second, third)]
    assert "writer@3 is not used any more: unauthorized" in done.stderr and "sk-dead" not in done.stderr
    assert sum(ledger.billed for ledger in ledgers) == 300
    paid = ledgers[0].paid + ledgers[1].paid
    assert max(paid.values()) == 1, "nothing is paid for twice, whoever was asked"
    assert ledgers[0].billed > 30 and ledgers[1].billed > 30
    assert ledgers[2].requests < 40
    assert set(project.result()["_model"]) == {"openai/m"}
    status = project.numbers("status", "job.yaml")
    assert nano(status["cost"]) == bill(ledgers[0]) + bill(ledgers[1])
    states = {lane["name"]: lane["state"] for lane in status["run"]["lanes"]}
    assert states["writer@3"] == "out" and "down" in states.values()


@pytest.mark.parametrize(
    "fault",
    [{"fault": "server_error"}, {"fault": "bad_request", "code": "content_filter"}],
    ids=["500", "filtered"],
)
def test_what_one_model_cannot_answer_another_does_once_and_for_all(
    project: Project, fault: dict[str, Any]
) -> None:
    with serve(Script(latency=0.01, faults=(Rule(match='"model":"large"', every=1, **fault),))) as server:
        models = served(server.base_url, model="large", fallback={"model": "other", "after": 2})
        models["other"] = served(server.base_url, model="small")["writer"]
        steps = [{"name": "post", "model": "writer", "prompt": "Write about {{ title }}."}]
        project.job(models=models, steps=steps, records=Project.numbered(14), output=LABELLED)
        done = project.run("run", "job.yaml")
        assert done.returncode == 0, done.stderr
        ledger = server.ledger()
        assert ledger.billed == 14 and 14 <= ledger.requests <= 42
        assert set(project.result()["_model"]) == {"openai/small"}
        written = (project.folder / "output/shop/posts.csv").read_bytes()
        again = project.run("run", "job.yaml")
        assert again.returncode == 0 and "0 requests sent" in again.stdout
        assert (project.folder / "output/shop/posts.csv").read_bytes() == written
        assert server.ledger().requests == ledger.requests
    _agrees_with_the_journal(project, ledger)
    assert (project.folder / "output/shop/posts.csv").read_bytes() == written


def _agrees_with_the_journal(project: Project, ledger: Account) -> None:
    steps_of = {step["model"]: step for step in project.numbers("status", "job.yaml")["steps"]}
    assert steps_of["small"]["answered"] == 14
    assert steps_of["large"]["attempts"] == ledger.requests - 14 and steps_of["large"]["answered"] == 0
    plan = project.numbers("plan", "job.yaml")
    assert (plan["missing"], plan["complete"], nano(plan["spent"])) == (0, 14, bill(ledger))
    assert project.run("export", "job.yaml").returncode == 0


def test_a_model_that_comes_back_is_asked_again(project: Project) -> None:
    outage = Rule(match='"model":"large"', during=(0, 1.5), fault="server_error")
    with serve(Script(latency=0.05, faults=(outage,))) as server:
        limits = {"concurrency": 4}
        models = served(server.base_url, model="large", limits=limits, fallback={"model": "other"})
        models["other"] = served(server.base_url, model="small", limits=limits)["writer"]
        steps = [{"name": "post", "model": "writer", "prompt": "Write about {{ title }}."}]
        project.job(models=models, steps=steps, records=Project.numbered(300), output=LABELLED)
        done = project.run("run", "job.yaml")
        assert done.returncode == 0, done.stderr
        assert server.ledger().overpaid == 0 and server.ledger().billed == 300
    by = project.result()["_model"].value_counts().rows()
    assert min(count for _, count in by) > 20 and len(by) == 2, by


def test_two_models_lose_the_endpoint_they_share_and_both_go_on(project: Project) -> None:
    with serve(Script(latency=0.02, api_key=KEY)) as server:
        keys = [{"api_key_env": name} for name in ("DEAD_KEY", "TEST_KEY")]
        shared: dict[str, Any] = {"model": "m", "base_url": server.base_url, "endpoints": keys}
        shared["limits"] = {"concurrency": 4}
        project.job(
            records=Project.numbered(40),
            models={"writer": shared, "editor": {**shared, "params": {"temperature": 0.5}}},
            steps=[
                {"name": "post", "model": "writer", "prompt": "Write about {{ title }}."},
                {"name": "edit", "model": "editor", "prompt": "Edit: {{ post }}"},
            ],
        )
        done = project.run("run", "job.yaml", DEAD_KEY="sk-of-nobody-at-all")
        assert done.returncode == 0, done.stderr
        assert (server.ledger().billed, server.ledger().overpaid) == (80, 0)
