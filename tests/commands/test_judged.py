"""Answers that another model judges: what is asked, what is paid, what is said, and what a replay sends."""

from __future__ import annotations

import json
from collections import Counter
from typing import Any

import pytest

from pipeline.testing import Script
from tests.support.critics import parts_of, verdict
from tests.support.project import Project
from tests.support.served import PRICE, bill, nano
from tests.support.writer import Chat, Seen, writer

JUDGE: dict[str, Any] = {"model": "critic", "criteria": {"warm": "Sounds warm.", "short": "Is short."}}
JUDGED = {"judge": JUDGE}


def begin(project: Project, url: str, checks: Any = None, of_critic: Any = None, **changes: Any) -> None:
    model = {"base_url": url, "api_key_env": "TEST_KEY", "price": PRICE}
    model["limits"] = {"retries": 0, "maybe_billed_retries": 0, "concurrency": 2}
    models = {"writer": {**model, "model": "m"}, "critic": {**model, "model": "wise", **(of_critic or {})}}
    step = {"name": "post", "model": "writer", "prompt": "Write about {{ title }}.", "repairs": 1}
    step["checks"] = JUDGED if checks is None else checks
    project.job(models=models, steps=[step], **changes)


def writes(chat: Chat) -> str:
    """An answer that is warm only once it was told; and a judge that finds so."""
    if chat.body["model"] == "m":
        return f"A warm text about {chat.first[12:]}" if chat.turn else f"A text about {chat.first[12:]}"
    parts = parts_of(chat.body)
    cold = parts["criterion"].startswith("warm") and "warm" not in parts["text"]
    return json.dumps(verdict(1 if cold else 5, "text about"))


def by_model(seen: Seen) -> Counter[str]:
    return Counter(chat.body["model"] for chat in seen.chats)


def test_a_rejected_answer_is_repaired_and_a_replay_sends_nothing(project: Project) -> None:
    with writer(writes) as (server, seen):
        begin(project, server.base_url)
        plan = project.numbers("plan", "job.yaml")
        assert (plan["missing"], plan["steps"][0]["later"]) == (3, 6) and plan["steps"][0]["most"] is None
        done = project.run("run", "job.yaml")
        assert done.returncode == 0 and "3 rows: 3 ok" in done.stdout, done.stdout + done.stderr
        assert by_model(seen) == {"m": 6, "wise": 12}
        assert all(text.startswith("A warm text") for text in project.result()["post"])
        told = [chat.last for chat in seen.chats if chat.turn]
        assert all(text.startswith("Your answer does not meet a criterion.") for text in told)
        before = (project.folder / "output/shop/posts.csv").read_bytes()
        assert project.run("run", "job.yaml").returncode == 0
        assert sum(by_model(seen).values()) == 18
        assert (project.folder / "output/shop/posts.csv").read_bytes() == before
        plan = project.numbers("plan", "job.yaml")
        (step,) = plan["steps"]
        assert (step["missing"], step["answered"], step["later"]) == (0, 18, 0)
        assert nano(project.numbers("status", "job.yaml")["cost"]) == bill(server.ledger())


def test_a_judge_that_is_added_later_reads_the_answers_that_are_there(project: Project) -> None:
    with writer(writes) as (server, seen):
        begin(project, server.base_url, {})
        assert project.run("run", "job.yaml").returncode == 0
        begin(project, server.base_url, {"judge": {**JUDGE, "criteria": {"short": "Is short."}}})
        (step,) = project.numbers("plan", "job.yaml")["steps"]
        assert (step["missing"], step["answered"], step["later"]) == (3, 3, 0)
        done = project.run("run", "job.yaml")
        assert "3 rows: 3 ok" in done.stdout and by_model(seen) == {"m": 3, "wise": 3}


def test_a_plan_has_the_price_of_the_model_that_will_be_asked(project: Project) -> None:
    with writer(writes) as (server, _):
        costs = []
        for factor in (1, 100):
            price = {"input": factor, "output": factor}
            begin(project, server.base_url, {}, {"price": price})
            project.run("run", "job.yaml")
            begin(project, server.base_url, of_critic={"price": price})
            costs.append(project.numbers("plan", "job.yaml")["steps"][0]["cost"])
        assert costs[1] == pytest.approx(100 * costs[0])


def test_rows_whose_judge_is_down_fail_and_the_next_run_asks_it_alone(project: Project) -> None:
    down = Script.model_validate({"faults": [{"fault": "bad_request", "match": "A text about lamp"}]})
    with writer(writes, down) as (server, seen):
        begin(project, server.base_url, {"judge": {**JUDGE, "criteria": {"short": "Is short."}}})
        assert project.run("run", "job.yaml").returncode == 3
        rows = (project.folder / "output/shop/failures.csv").read_text()
        assert rows.count("not_judged") == 1 and "the model 'critic' could not be asked" in rows
    with writer(writes) as (server, seen):
        begin(project, server.base_url, {"judge": {**JUDGE, "criteria": {"short": "Is short."}}})
        done = project.run("run", "job.yaml")
        assert done.returncode == 0 and by_model(seen) == {"wise": 1}, done.stderr


def test_rows_whose_judge_talks_nonsense_fail_until_it_is_asked_again_on_purpose(project: Project) -> None:
    def nonsense(chat: Chat) -> str:
        return "A text." if chat.body["model"] == "m" else "I would say it is fine."

    with writer(nonsense) as (server, seen):
        begin(project, server.base_url, {"judge": {**JUDGE, "criteria": {"short": "Is short."}}})
        assert project.run("run", "job.yaml").returncode == 3
        assert by_model(seen) == {"m": 3, "wise": 6}, "each is asked for twice"
        assert (project.folder / "output/shop/failures.csv").read_text().count("not_judged") == 3
        assert project.run("run", "job.yaml").returncode == 3
        assert by_model(seen) == {"m": 3, "wise": 6}, "what was paid for is not paid for again"
        assert project.run("run", "job.yaml", "--retry-failed").returncode == 3
        assert by_model(seen) == {"m": 3, "wise": 12}, "the writer's answers are kept"


def test_a_judge_that_is_not_there_stops_the_run_and_loses_nothing(project: Project) -> None:
    with writer(writes) as (server, seen):
        gone = {"base_url": "http://127.0.0.1:9/v1", "limits": {"outage": 1}}
        begin(project, server.base_url, of_critic=gone)
        done = project.run("run", "job.yaml")
        assert done.returncode == 75 and by_model(seen) == {"m": 3}
        begin(project, server.base_url)
        assert project.run("run", "job.yaml").returncode == 0
        assert by_model(seen)["m"] == 6, "three answers and their repairs"


def test_a_budget_holds_the_judge(project: Project) -> None:
    with writer(writes) as (server, seen):
        begin(project, server.base_url, budget={"requests": 5})
        assert project.run("run", "job.yaml").returncode == 4
        assert sum(by_model(seen).values()) == 5
        begin(project, server.base_url, of_critic={"price": None}, budget={"cost": 1})
        done = project.run("run", "job.yaml")
        assert done.returncode == 2 and "models.critic.price" in done.stderr


@pytest.mark.parametrize("name", ["m", "wise"])
def test_a_judge_that_is_the_writer_is_warned_of(name: str, project: Project) -> None:
    begin(project, "http://127.0.0.1:9/v1", of_critic={"model": name})
    done = project.run("check", "job.yaml")
    warned = "the judge 'critic' is the model that writes" in done.stdout + done.stderr
    assert done.returncode == 0 and warned is (name == "m")


def numbers(chat: Chat) -> str:
    """A text, probabilities or scores, as they are asked for."""
    if "questions" in chat.body:
        names = [one["name"] for one in chat.body["questions"]]
        return json.dumps([{"type": "predicate", "name": name, "probability": 0.9} for name in names])
    return "A text." if "messages" in chat.body else json.dumps({"hate": 0.1})


def test_decisions_and_moderations_are_asked_at_their_own_addresses(project: Project) -> None:
    with writer(numbers, Script(answer="[]")) as (server, seen):
        checks = {"judge": {**JUDGE, "via": "decisions"}, "moderation": {"model": "critic"}}
        begin(project, server.base_url, checks)
        done = project.run("run", "job.yaml")
        assert done.returncode == 0, done.stderr
        asked = Counter(tuple(sorted(chat.body.keys() - {"model", "params"})) for chat in seen.chats)
        assert asked == {("messages",): 3, ("input", "questions"): 3, ("input",): 1}
        assert project.run("run", "job.yaml").returncode == 0 and len(seen.chats) == 7


@pytest.mark.parametrize(
    ("check", "said"),
    [
        ({"judge": {**JUDGE, "via": "decisions"}}, "may not speak `decisions`: leave out via: decisions"),
        ({"moderation": {"model": "critic"}}, "may not speak `moderations`: name a model at a server that"),
    ],
)
def test_a_server_without_the_endpoint_stops_the_run_and_says_so(
    check: dict[str, Any], said: str, project: Project
) -> None:
    gone = {"fault": "not_found", "match": '"input"', "message": "Unknown request URL", "code": "unknown_url"}
    with writer(numbers, Script.model_validate({"faults": [gone], "answer": "[]"})) as (server, _):
        begin(project, server.base_url, check)
        done = project.run("run", "job.yaml")
        assert done.returncode == 75 and said in done.stderr, done.stderr


def test_a_joined_text_is_judged_and_fails_its_row_where_it_is_found_bad(project: Project) -> None:
    with writer(writes) as (server, seen):
        begin(project, server.base_url)
        model = {"base_url": server.base_url, "api_key_env": "TEST_KEY", "price": PRICE}
        models = {"writer": {**model, "model": "m"}, "critic": {**model, "model": "wise"}}
        write = {"name": "body", "model": "writer", "each": {"part": "{{ range(1, 3) }}"}}
        write |= {"prompt": "Write about {{ title }} {{ part }}."}
        join = {
            "name": "post",
            "join": "{% if title != 'mug' %}warm {% endif %}{{ body[0] }}",
            "checks": JUDGED,
        }
        project.job(models=models, steps=[write, join])
        plan = {step["step"]: step for step in project.numbers("plan", "job.yaml")["steps"]}
        assert (plan["body"]["missing"], plan["post"]["missing"], plan["post"]["later"]) == (6, 0, 6)
        assert plan["post"]["most"] is None and "depend on missing answers" in plan["post"]["no_bound"]
        done = project.run("run", "job.yaml")
        assert done.returncode == 3 and "3 rows: 2 ok, 1 failed" in done.stdout, done.stdout + done.stderr
        assert by_model(seen)["m"] == 6 and 4 <= by_model(seen)["wise"] <= 6
        asked = seen.chats[:]
        assert project.run("run", "job.yaml").returncode == 3 and seen.chats == asked
        assert project.numbers("plan", "job.yaml")["missing"] == 0
        assert nano(project.numbers("status", "job.yaml")["cost"]) == bill(server.ledger())
