"""Answers that do not say what they used, or say what cannot be: taken, and never counted as free."""

from __future__ import annotations

from math import isfinite

from pipeline.core.display import dollars
from pipeline.testing import Rule, Script
from tests.support.fakes import chat_body
from tests.support.project import Project
from tests.support.served import PRICE, bill, nano, served
from tests.support.server import serve

USAGE = {
    "missing": None,
    "null": "null",
    "negative": '{"prompt_tokens":-5,"completion_tokens":-7}',
    "words": '{"prompt_tokens":"many","completion_tokens":"3"}',
    "beyond all size": '{"prompt_tokens":1e308,"completion_tokens":99999999999999999999}',
    "not a number": '{"prompt_tokens":NaN,"completion_tokens":NaN}',
    "a list": "[1,2]",
}


def body_with(usage: str | None) -> str:
    body = chat_body("fine").decode()
    return body if usage is None else f'{body[:-1]},"usage":{usage}}}'


def test_an_answer_without_a_usage_is_taken_and_counted_at_its_worst(project: Project) -> None:
    rules = tuple(Rule(match=f"<{n}>", fault="body", body=body_with(u)) for n, u in USAGE.items())
    records = "sku,title\n" + "".join(f"{i},<{name}>\n" for i, name in enumerate([*USAGE, "good"]))
    with serve(Script(faults=rules)) as server:
        project.job(models=served(server.base_url, params={"max_tokens": 50}), records=records)
        done = project.run("run", "job.yaml")
        assert done.returncode == 0, done.stderr
        ledger = server.ledger()
    (good,) = (line for line in ledger.lines if not line.fault)
    assert project.result()["post"].to_list()[:-1] == ["fine"] * len(USAGE)
    tokens = f"{good.input} + {good.output} tokens in + out"
    status = project.numbers("status", "job.yaml")
    assert nano(status["cost"]) == bill(type(ledger)([good]))
    least = len(USAGE) * 50 * PRICE["output"] * 1000
    most = dollars(status["cost"] + status["maybe_cost"])
    assert f"{tokens}, at most {most}" in done.stdout, "the sum is not told as if it were all"
    assert isfinite(status["maybe_cost"]) and least <= nano(status["maybe_cost"]) < 2 * least
    (step,) = status["steps"]
    assert (step["input"], step["output"], step["answered"]) == (good.input, good.output, len(USAGE) + 1)


def test_answers_without_a_usage_use_up_a_budget(project: Project) -> None:
    with serve(Script(usage=False)) as server:
        models = served(server.base_url, params={"max_tokens": 50}, limits={"concurrency": 1})
        project.job(models=models, records=Project.numbered(50), budget={"cost": 0.005})
        done = project.run("run", "job.yaml")
        assert done.returncode == 4 and "budget.cost: $0.0050 of $0.0050 is spent" in done.stderr, done.stderr
        assert bill(server.ledger()) <= 5_000_000
        assert 0 < server.ledger().billed < 12
