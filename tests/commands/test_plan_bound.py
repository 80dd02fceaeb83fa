"""What `plan` announces: "at most" is a bound for all that a run can be billed, and is said only then."""

from __future__ import annotations

from random import Random
from typing import Any

import pytest

from pipeline.core.domain import DOLLAR
from pipeline.testing import Line, Script
from tests.support.project import Project
from tests.support.server import serve

PRICES = {"first": {"input": 1.0, "output": 4.0}, "second": {"input": 5.0, "output": 20.0}}
LIMIT = {"max_tokens": 2000}
FAULTS = ("server_error", "disconnect", "bad_request", "truncate_body", "empty", "length", "garbage", "html")


def cost_of(line: Line) -> int:
    """Nano-dollars of a bill."""
    price = PRICES[line.model]
    return round(1000 * (price["input"] * line.input + price["output"] * line.output))


def models(base_url: str, chance: Random) -> dict[str, Any]:
    """Two models, the first with the second, a more expensive one, as its fallback or not."""
    made: dict[str, Any] = {
        name: {
            "base_url": base_url,
            "model": name,
            "price": price,
            "params": LIMIT,
            "limits": {"concurrency": 2, "retries": 2, "maybe_billed_retries": chance.randint(0, 2)},
        }
        for name, price in PRICES.items()
    }
    if chance.random() < 0.6:
        after = {"after": chance.randint(1, 3)} if chance.random() < 0.5 else {}
        made["first"]["fallback"] = {"model": "second", **after}
    return made


def step(chance: Random) -> dict[str, Any]:
    """A step whose answers may have to be repaired, in several draws or languages, as text or JSON."""
    made: dict[str, Any] = {"name": "post", "model": "first", "prompt": "Write about {{ title }}."}
    made["repairs"] = chance.randint(0, 3)
    if chance.random() < 0.7:
        made["checks"] = {"contains": "never said"}
    if chance.random() < 0.4:
        made["answer"] = {"json": {"text": "string"}}
    if chance.random() < 0.6:
        made["each"] = {"sample": [1, 2, 3][: chance.randint(1, 3)]}
    return made


def costly(chance: Random) -> dict[str, Any]:
    """A step whose answers may bring fresh starts, continuations, a stronger model, samples and judges."""
    made = step(chance)
    for name, most in (("fresh_starts", 2), ("continuations", 2), ("samples", 3)):
        if chance.random() < 0.6:
            made[name] = chance.randint(1, most)
    if chance.random() < 0.5:
        made["escalate"] = ["second"]
    if chance.random() < 0.6:
        criteria = {"kind": "Is kind.", "short": "Is short."}
        made["checks"] = {"judge": {"model": "critic", "criteria": criteria, "votes": chance.choice([1, 3])}}
    if chance.random() < 0.5:
        judge = {"judge": {"model": "critic"}}
        made["pick"] = chance.choice(["first_passing", "longest", judge]) if "samples" in made else None
    return {name: value for name, value in made.items() if value is not None}


def script(chance: Random) -> Script:
    """A server that reasons, fails, and bills some of its failures."""
    named = chance.sample(FAULTS, 3)
    faults: list[dict[str, Any]] = [{"fault": name, "share": chance.choice([0.2, 0.6])} for name in named]
    for rule in faults:
        if rule["fault"] in ("server_error", "disconnect"):
            rule["billed"] = chance.random() < 0.7
    said = {"reasoning": chance.choice([0, 900, 5000]), "tokens": chance.choice([None, 1000, 1990])}
    return Script.model_validate({**said, "seed": chance.randint(0, 99), "faults": faults})


@pytest.mark.parametrize("seed", range(24))
def test_no_run_is_billed_more_than_its_plan_announced(
    seed: int, project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pipeline.lanes.guards.retry.LONGEST_WAIT", 0.001)
    for name in ("FIRST_INTERVAL", "LONGEST_INTERVAL"):
        monkeypatch.setattr(f"pipeline.lanes.limits.circuit_breaker.{name}", 0.01)
    chance = Random(seed)
    with serve(script(chance)) as server:
        project.job(models=models(server.base_url, chance), steps=[step(chance)], max_failed=1)
        for arguments in ((), ("--retry-failed",)):
            plan = project.numbers("plan", "job.yaml", *arguments)
            before = server.ledger().cost(cost_of)
            project.run("run", "job.yaml", *arguments)
            billed = server.ledger().cost(cost_of) - before
            assert plan["most"] is not None
            assert billed <= plan["most"] * DOLLAR, (seed, arguments, plan)


def rehearsed(chance: Random) -> dict[str, Any]:
    """Models that answer at their limit, and a judge that finds everything bad, or cannot be understood."""
    bad = '{"evidence": "Write about", "reason": "It is unkind, and far too long.", "score": 1}'
    verdicts = {"criterion]": bad, "question]": '{"reason": "So.", "better": "first"}'}
    faults = [{"fault": name, "share": chance.choice([0.1, 0.5])} for name in ("empty", "length")]
    said = {"tokens": 2000, "answer": chance.choice([None, verdicts]), "faults": chance.choice([[], faults])}
    usual = {"provider": "scripted", "params": {**LIMIT, "temperature": 0.5}, "options": said}
    asked = {"first": "first", "second": "second", "critic": "second"}
    return {name: {**usual, "model": model, "price": PRICES[model]} for name, model in asked.items()}


@pytest.mark.parametrize("seed", range(5))
def test_samples_judges_and_stronger_models_are_in_the_bound(seed: int, project: Project) -> None:
    chance = Random(seed)
    project.job(models=rehearsed(chance), steps=[costly(chance)], max_failed=1)
    for arguments in ((), ("--retry-failed",)):
        plan = project.numbers("plan", "job.yaml", *arguments)
        before = project.numbers("status", "job.yaml")["cost"] if arguments else 0.0
        project.run("run", "job.yaml", *arguments)
        billed = project.numbers("status", "job.yaml")["cost"] - before
        assert plan["most"] is not None or arguments
        assert plan["most"] is None or billed <= plan["most"], (seed, arguments, plan)


NEVER = {"regex": {"match": "^Z{9}$", "say": "it is bad"}}
CRITIC = {"judge": {"model": "critic", "criteria": {"kind": "Is kind."}}}


@pytest.mark.parametrize(
    ("keys", "over"),
    [
        ({"repairs": 2}, 1.0),
        ({"fresh_starts": 2}, 1.0),
        ({"escalate": ["second"]}, 1.0),
        ({"samples": 3}, 1.0),
        ({"samples": 3, "fresh_starts": 1, "escalate": ["second"]}, 1.0),
        ({"samples": 3, "pick": "longest"}, 1.0),
        ({"checks": CRITIC, "repairs": 1}, 2.0),
    ],
)
def test_the_bound_is_what_the_worst_run_costs(keys: dict[str, Any], over: float, project: Project) -> None:
    """Answers at their limit, all of them rejected; an answer costs far more than its prompt here."""
    bad = '{"evidence": "Write about", "reason": "It is unkind.", "score": 1}'
    usual = {
        "provider": "scripted",
        "params": LIMIT,
        "limits": {"maybe_billed_retries": 0},
        "options": {"tokens": 2000, "answer": {"criterion]": bad}},
    }
    prices = {"first": 100.0, "second": 500.0, "critic": 500.0}
    asked = {
        name: {**usual, "model": name, "price": {"input": 0.001, "output": output}}
        for name, output in prices.items()
    }
    step = {"name": "post", "model": "first", "prompt": "Write about {{ title }}.", "repairs": 0}
    project.job(models=asked, steps=[{**step, "checks": NEVER, **keys}], max_failed=1)
    most = project.numbers("plan", "job.yaml")["most"]
    project.run("run", "job.yaml")
    billed = project.numbers("status", "job.yaml")["cost"]
    assert billed <= most <= billed * (over + 0.05)


@pytest.mark.parametrize("answer", ["no", "", '{"t1": "no"}'])
@pytest.mark.parametrize("more", [{}, {"escalate": "second"}])
def test_segments_that_are_asked_for_one_by_one_are_in_the_bound(
    more: dict[str, str], answer: str, project: Project
) -> None:
    usual = {"provider": "scripted", "params": LIMIT, "options": {"tokens": 2000, "answer": answer}}
    usual |= {"limits": {"maybe_billed_retries": 0}}
    asked = {name: {**usual, "model": name, "price": price} for name, price in PRICES.items()}
    step = {"name": "t", "model": "first", "translate": {"from": "en", "to": "de", **more}}
    (project.folder / "tea.txt").write_text("\n\n".join(f"The tea number {i} is warm." for i in range(30)))
    file = project.job(models=asked, steps=[step], output={}, max_failed=1)
    file.write_text(file.read_text().replace("from: records.csv\n  key: sku", "from: tea.txt"))
    most = project.numbers("plan", "job.yaml")["most"]
    project.run("run", "job.yaml")
    billed = project.numbers("status", "job.yaml")["cost"]
    assert 0 < billed <= most


@pytest.mark.parametrize(
    ("model", "said"),
    [
        ({}, "no bound: set a token limit for the model 'writer': params: {max_tokens: …}"),
        ({"api": "responses"}, "params: {max_output_tokens: …}"),
        ({"api": "completions"}, "params: {max_tokens: …}"),
        ({"base_url": "https://api.openai.com/v1"}, "params: {max_completion_tokens: …}"),
        ({"params": LIMIT, "fallback": {"model": "other"}}, "for the model 'other'"),
    ],
)
def test_without_a_token_limit_there_is_no_bound(model: dict[str, Any], said: str, project: Project) -> None:
    writer = {"base_url": "http://127.0.0.1:1/v1", "model": "m", "price": PRICES["first"]} | model
    other = {"base_url": "http://127.0.0.1:1/v1", "model": "n", "price": PRICES["second"]}
    steps = [{"name": "post", "model": "writer", "prompt": "About {{ title }}"}]
    project.job(models={"writer": writer, "other": other}, steps=steps)
    done = project.run("plan", "job.yaml")
    assert done.returncode == 0
    assert said in done.stdout and "at most" not in done.stdout.lower()
    assert "To come: about $" in done.stdout
    assert project.numbers("plan", "job.yaml")["most"] is None


def test_what_depends_on_missing_answers_has_no_bound(project: Project) -> None:
    writer = {"base_url": "http://127.0.0.1:1/v1", "model": "m", "price": PRICES["first"], "params": LIMIT}
    steps = [{"name": "a", "prompt": "{{ title }}"}, {"name": "b", "prompt": "{{ a }}"}]
    project.job(models={"writer": writer}, steps=steps)
    plan = project.run("plan", "job.yaml")
    assert "no bound: the prompts of up to 3 requests depend on missing answers" in plan.stdout


def test_later_samples_are_counted_each(project: Project) -> None:
    writer = {"provider": "scripted", "model": "m", "price": PRICES["first"], "params": LIMIT}
    later = {"name": "b", "prompt": "{{ a }}", "samples": 4, "pick": "all"}
    project.job(models={"writer": writer}, steps=[{"name": "a", "prompt": "{{ title }}"}, later])
    assert project.numbers("plan", "job.yaml")["steps"][1]["later"] == 3 * 4
    assert project.numbers("run", "job.yaml")["sent"] == 3 + 3 * 4


def test_samples_are_compared_once_in_the_bound(project: Project) -> None:
    writer = {"provider": "scripted", "model": "m", "price": PRICES["first"], "params": LIMIT}
    compared = {}
    for samples in (2, 8):
        most = []
        for pick in ("longest", {"judge": {"model": "writer"}}):
            each = {"sample": [1, 2]}
            step = {
                "name": "post",
                "prompt": "About {{ title }}",
                "samples": samples,
                "each": each,
                "pick": pick,
            }
            project.job(models={"writer": writer}, steps=[step])
            most.append(project.numbers("plan", "job.yaml")["most"])
        compared[samples] = most[1] - most[0]
    assert compared[8] == pytest.approx(compared[2] * (8 * 7) / (2 * 1)) and compared[2] > 0


def test_a_budget_is_a_bound(project: Project) -> None:
    writer = {"base_url": "http://127.0.0.1:1/v1", "model": "m", "price": PRICES["first"]}
    project.job(models={"writer": writer}, budget={"cost": 0.0007})
    assert project.numbers("plan", "job.yaml")["most"] == 0.0007
    assert "at most $0.0007" in project.run("plan", "job.yaml").stdout


def test_a_rehearsal_under_the_same_name_spends_nothing(project: Project) -> None:
    price = {"input": 100.0, "output": 400.0}
    with serve() as server:
        model = {"base_url": server.base_url, "model": "m", "price": price, "params": LIMIT}
        project.job(models={"writer": model}, budget={"cost": 100})
        rehearsal = ("--set", "models.writer.provider=scripted")
        assert project.run("run", "job.yaml", *rehearsal).returncode == 0
        assert project.numbers("status", "job.yaml", *rehearsal)["cost"] > 0
        assert project.numbers("status", "job.yaml")["cost"] == 0
        assert project.numbers("plan", "job.yaml")["spent"] == 0
        worst = project.numbers("plan", "job.yaml", "--set", "budget.cost=1e9")["most"]
        assert project.run("run", "job.yaml", "--set", f"budget.cost={worst / 2}").returncode == 0
        assert project.numbers("status", "job.yaml")["cost"] > 0
