"""Whoever the job names is told how a run ended, whatever ended it, and nothing of that changes the end."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from pipeline import api
from pipeline.core.errors import JobError, OutOfBudget
from pipeline.job.load import load
from pipeline.runs.ending import telling
from pipeline.system.lock import locked
from pipeline.testing import Rule, Script
from tests.support.project import KEY, Project
from tests.support.receiver import Receiver, receiver
from tests.support.served import served
from tests.support.server import serve
from tests.support.stranger import GOOD, refused

TOKEN = "tok-canary-9876543210"
SHOW = '#!/bin/sh\necho "$@" > args.txt; cat > body.json; env > env.txt; echo seen; exit ${CODE:-0}\n'


@pytest.fixture
def ear() -> Iterator[Receiver]:
    with receiver() as found:
        yield found


def script(project: Project, text: str = SHOW, name: str = "tell.sh") -> str:
    file = project.folder / name
    file.write_text(text)
    file.chmod(0o755)
    return f"./{name}"


def events(project: Project) -> list[dict[str, Any]]:
    lines = (project.folder / "output/shop/events.jsonl").read_text().splitlines()
    return [one for one in map(json.loads, lines) if one["event"].startswith("on_end")]


ENDS: dict[str, tuple[dict[str, Any], dict[str, Any], int, str, str]] = {
    "all is well": ({}, {}, 0, "finished", ""),
    "rows fail": ({"match": "lamp", "fault": "refusal"}, {}, 3, "finished", "some rows failed"),
    "no key": ({"first": 9, "fault": "unauthorized"}, {}, 4, "key refused", "unauthorized"),
    "no quota": ({"first": 9, "fault": "insufficient_quota"}, {}, 4, "out of quota", "out_of_quota"),
    "no money": ({}, {"budget": {"cost": 0.000001}}, 4, "out of budget", "out_of_budget"),
    "no model": ({"first": 9, "fault": "not_found"}, {}, 75, "stopped", "not_found"),
    "no records": ({}, {}, 2, "failed", "job file or records"),
}


@pytest.mark.parametrize("name", ENDS)
def test_every_end_is_told_once_and_is_what_the_command_says(
    name: str, project: Project, ear: Receiver
) -> None:
    rule, changes, code, outcome, reason = ENDS[name]
    with serve(Script(faults=[Rule(**rule)] if rule else [])) as server:
        project.job(models=served(server.base_url), on_end={"webhook": f"{ear.address}/x"}, **changes)
        if outcome == "failed":
            (project.folder / "records.csv").unlink()
        done = project.run("run", "job.yaml", "--json")
    said, told = json.loads(done.stdout), ear.ends
    assert (done.returncode, said["exit_code"], said["outcome"]) == (code, code, outcome), done.stderr
    assert [(one["exit_code"], one["outcome"], one["reason"]) for one in told] == [(code, outcome, reason)]
    for count in ("ok", "failed", "skipped", "sent", "cost"):
        assert said.get(count, 0) == told[0][count], count
    assert told[0]["ok"] + told[0]["failed"] + told[0]["pending"] in (3, 0)
    assert told[0]["result"] == said.get("targets", [])
    assert all(Path(path).exists() for path in told[0]["result"])


def test_nothing_of_the_rows_and_no_key_is_told(project: Project, ear: Receiver) -> None:
    hook = {"webhook": ear.address, "headers": {"X-Token": {"env": "HOOK"}, "X-Team": "writers"}}
    rules = [Rule(match="lamp", fault="refusal"), Rule(first=1, fault="server_error", message="words of it")]
    with serve(Script(faults=rules)) as server:
        project.job(
            models=served(server.base_url),
            on_end=[hook, {"command": [script(project), "{outcome}", "{exit_code}", "{result}"]}],
        )
        done = project.run("run", "job.yaml", "--allow-code", HOOK=TOKEN, OPENAI_API_KEY="k-1", AGAIN=KEY)
    assert done.returncode == 3
    ((_, headers, body),) = ear.got
    assert (headers["x-token"], headers["x-team"]) == (TOKEN, "writers")
    folder = project.folder
    result = str(folder / "output/shop/posts.csv")
    assert (folder / "args.txt").read_text() == f"finished 3 {result}\n"
    assert json.loads((folder / "body.json").read_bytes()) == json.loads(body)
    environment = dict(line.partition("=")[::2] for line in (folder / "env.txt").read_text().splitlines())
    assert environment["PIPELINE_OUTCOME"] == "finished" and environment["PIPELINE_OK"] == "2"
    assert {"TEST_KEY", "HOOK", "OPENAI_API_KEY", "AGAIN"}.isdisjoint(environment)
    told = body.decode() + (folder / "env.txt").read_text() + json.dumps(events(project)) + done.stderr
    for secret in (KEY, TOKEN, "k-1"):
        assert secret not in told
    for words in ("Write about", "lamp", "008", "words of it"):
        assert words not in body.decode() + json.dumps(events(project))
    assert "seen" not in done.stderr, "what a command prints is shown only where it fails"


@pytest.mark.parametrize(
    ("statuses", "posts", "why"),
    [
        ((200,), 1, ""),
        ((204,), 1, ""),
        ((500, 503, 200), 3, ""),
        ((429, 200), 2, ""),
        ((500,), 3, "it answered 500"),
        ((404,), 1, "it answered 404"),
        ((302, 200), 1, "it redirects to another address (302)"),
    ],
)
def test_a_webhook_that_fails_is_tried_three_times_and_changes_nothing(
    statuses: tuple[int, ...], posts: int, why: str, project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(telling, "WAITS", (0.01, 0.01, 0.0))
    with receiver(*statuses) as ear:
        project.job(on_end={"webhook": ear.address})
        done = project.run("run", "job.yaml", "--json")
        assert len(ear.got) == posts and len({end["id"] for end in ear.ends}) == 1
    assert done.returncode == json.loads(done.stdout)["exit_code"] == 0
    assert (why in done.stderr) if why else "at the end" not in done.stderr
    (event,) = events(project)
    assert event["event"] == ("on_end.failed" if why else "on_end.told") and why in event.get("why", "")


def test_a_webhook_that_hangs_costs_ten_seconds_at_most(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert 10 >= telling.ALL_TRIES >= 3 * telling.ONE_TRY + sum(telling.WAITS)
    monkeypatch.setattr(telling, "ONE_TRY", 0.3)
    with receiver(hangs=30) as ear:
        project.job(on_end={"webhook": ear.address})
        began = time.monotonic()
        done = project.run("run", "job.yaml")
        assert len(ear.got) == 3
    assert time.monotonic() - began < 8 and done.returncode == 0
    assert "no answer within 0.3 s" in done.stderr


@pytest.mark.parametrize(
    ("text", "more", "said"),
    [
        (SHOW, {}, ["it ended with code 7", "  seen"]),
        (
            "#!/bin/sh\necho late; sleep 60 & sleep 9\n",
            {"timeout": 1},
            ["it took longer than 1 s", "  late"],
        ),
        ("\0\1not a program", {}, ["it could not be started"]),
        ("#!/bin/sh\nkill -9 $$\n", {}, ["it ended with code -9"]),
        ("#!/bin/sh\nprintf '\\033[31mred\\n' ; exit 1\n", {}, ["\\x1b[31mred"]),
    ],
)
def test_a_command_that_fails_changes_nothing(
    text: str, more: dict[str, Any], said: list[str], project: Project
) -> None:
    project.job(on_end={"command": [script(project, text)], **more})
    done = project.run("run", "job.yaml", "--allow-code", CODE="7")
    assert done.returncode == 0 and project.result().height == 3
    assert all(words in done.stderr for words in said), done.stderr
    assert [event["event"] for event in events(project)] == ["on_end.failed"]


@pytest.mark.parametrize(
    ("when", "fails", "told"),
    [("always", False, 1), ("always", True, 1), ("done", False, 1), ("done", True, 0), ("failed", False, 0),
     ("failed", True, 1)],
)  # fmt: skip
def test_when_it_is_told(when: str, fails: bool, told: int, project: Project, ear: Receiver) -> None:
    model: dict[str, Any] = {"provider": "scripted", "model": "m"}
    model |= {"options": {"faults": [{"match": "lamp", "fault": "refusal"}]}} if fails else {}
    project.job(models={"writer": model}, on_end={"webhook": ear.address, "when": when})
    assert project.run("run", "job.yaml").returncode == (3 if fails else 0)
    assert len(ear.got) == told


def test_a_command_runs_only_where_code_may_run(project: Project) -> None:
    project.job(on_end={"command": [script(project)]})
    checked = project.run("check", "job.yaml")
    assert checked.returncode == 0 and "./tell.sh is run, with --allow-code" in checked.stdout
    done = project.run("run", "job.yaml")
    assert done.returncode == 2 and "job.yaml:" in done.stderr and "--allow-code" in done.stderr
    assert not (project.folder / "output/shop/journal.sqlite").exists(), "nothing was sent"
    for command in ("plan", "status", "export"):
        project.run(command, "job.yaml")
    assert not (project.folder / "args.txt").exists()


def test_who_cannot_be_told_is_named_before_anything_is_sent(project: Project) -> None:
    for wrong, said in (
        ({"webhook": {"env": "HOOK"}}, "the environment variable HOOK is not set"),
        ({"webhook": "http://127.0.0.1:9", "headers": {"X-Token": {"env": "HOOK"}}}, "HOOK is not set"),
        ({"command": ["no-such-program-here"]}, "there is no program 'no-such-program-here'"),
    ):
        project.job(on_end=wrong)
        done = project.run("run", "job.yaml", "--allow-code")
        assert done.returncode == 2 and said in done.stderr and "job.yaml:" in done.stderr
    project.job(on_end={"webhook": {"env": "HOOK"}})
    done = project.run("run", "job.yaml", HOOK="http://hooks.example/x")
    assert done.returncode == 2 and "HOOK" in done.stderr and "plain text" in done.stderr
    assert "hooks.example" not in done.stderr
    assert not (project.folder / "output/shop/journal.sqlite").exists()


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({}, "name a webhook or a command"),
        ({"webhook": "https://a.example", "command": ["x"]}, "name a webhook or a command"),
        ({"webhook": "ftp://a.example"}, "must be an address"),
        ({"webhook": "https://user:pw@a.example"}, "must be an address"),
        ({"webhook": "https://"}, "must be an address"),
        ({"webhook": "https://a.example:99999/"}, "must be an address"),
        ({"webhook": "https://a b.example"}, "must be an address"),
        ({"webhook": 7}, "must be an address"),
        ({"webhook": "http://a.example"}, "plain text"),
        ({"webhook": "https://hooks.slack.com/services/T/B/x"}, "this address is a secret"),
        ({"webhook": "https://a.example/?token=abc"}, "this address is a secret"),
        ({"webhook": "https://a.example", "headers": {"X-Token": "abc"}}, "looks like a secret"),
        ({"webhook": "https://a.example", "headers": {"Authorization": "abc"}}, "looks like a secret"),
        ({"webhook": "https://a.example", "headers": {"Host": "b"}}, "cannot be set"),
        ({"command": ["x", "{outcom}"]}, "outcome"),
        ({"command": ["x", ""]}, "must be a text that is not empty"),
        ({"command": ["x"], "timeout": 0}, "timeout"),
        ({"command": ["x"], "when": "often"}, "when"),
        ({"webhok": "https://a.example"}, "did you mean 'webhook'"),
        ([{"webhook": "https://a.example"}] * 9, "at most 8"),
    ],
)
def test_what_cannot_be_meant_is_refused_with_its_place(wrong: Any, said: str, project: Project) -> None:
    project.job(on_end=wrong)
    with pytest.raises(JobError) as error:
        load(project.folder / "job.yaml")
    assert said in str(error.value) and "job.yaml:" in str(error.value)


def test_what_may_be_meant_is_taken(project: Project) -> None:
    for right in (
        {"webhook": "https://a.example/x"},
        {"webhook": "http://a.internal/x", "plain_http": True},
        {"webhook": "http://localhost:8080/x"},
        {"webhook": "http://[::1]:8080/x"},
        {"webhook": "https://a.example", "headers": {"Authorization": {"env": "HOOK"}}},
        [{"command": "date"}],
    ):
        project.job(on_end=right)
        assert len(load(project.folder / "job.yaml").on_end) == 1


@pytest.mark.parametrize("wanted", ["{webhook: 'https://a.example'}", "{command: [date]}"])
def test_an_untrusted_job_tells_nobody(wanted: str, tmp_path: Path) -> None:
    assert "nobody may be told" in refused(tmp_path, f"{GOOD}on_end: {wanted}\n")


def test_a_run_beside_another_and_a_pilot_tell_nobody(project: Project, ear: Receiver) -> None:
    file = project.job(on_end={"webhook": ear.address})
    with locked(load(file).folder):
        assert project.run("run", "job.yaml").returncode == 75
    assert project.run("run", "job.yaml", "--pilot", "2").returncode == 75
    assert ear.got == []
    assert project.run("run", "job.yaml", "--pilot", "2", "--yes").returncode == 0
    assert [end["outcome"] for end in ear.ends] == ["finished"]


def test_python_tells_the_same(project: Project, ear: Receiver) -> None:
    with serve(Script()) as server:
        changes = {"models": served(server.base_url, api_key_env=""), "on_end": {"webhook": ear.address}}
        assert api.run(load(project.job(**changes))).ok == 3
        project.job(**changes, budget={"cost": 0.000001}, records=Project.numbered(5))
        with pytest.raises(OutOfBudget):
            api.run(load(project.folder / "job.yaml"))
    assert [(end["outcome"], end["exit_code"]) for end in ear.ends] == [("finished", 0), ("out of budget", 4)]
