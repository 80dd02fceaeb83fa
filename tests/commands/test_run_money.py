"""What a run says it cost, held against the server's ledger to the nano-dollar, and what caps it."""

from __future__ import annotations

from typing import Any

import pytest

from pipeline.testing import Rule, Script
from tests.support.project import Project
from tests.support.served import PRICE, bill, nano, served
from tests.support.server import serve

STEPS = [
    {"name": "outline", "prompt": "Outline {{ title }}.", "checks": {"contains": "thing"}},
    {"name": "post", "prompt": "Write: {{ outline }}", "params": {"service_tier": "flex"}},
]
FAULTS = (
    Rule(match='"Outline thing 1."', times=1, fault="rate_limit", retry_after=0.1),
    Rule(match='"Outline thing 2."', times=1, fault="server_error"),
    Rule(match='"Outline thing 3."', times=1, fault="length"),
    Rule(match='"Outline thing 4."', times=1, fault="refusal"),
    Rule(match='"Outline thing 5."', times=1, fault="empty"),
)
BUDGETED = Script(latency=0.01, tokens=100)


def test_the_reported_cost_is_the_ledgers_over_all_kinds_of_attempts(project: Project) -> None:
    answers = {"Outline thing 6.": "No.", "Outline thing 7.": "Never."}
    script = Script(latency=0.01, answer=answers, cached=0.3, cache_written=0.2, reasoning=7, faults=FAULTS)
    with serve(script) as server:
        project.job(models=served(server.base_url), steps=STEPS, records=Project.numbered(10))
        first = project.numbers("run", "job.yaml")
        assert (first["ok"], first["failed"]) == (7, 3), "a complaint mended two of the answers"
        assert nano(first["cost"]) == bill(server.ledger())
        assert project.numbers("plan", "job.yaml")["missing"] == 0
        planned = project.numbers("plan", "job.yaml", "--retry-failed")
        assert (planned["missing"], planned["later"], planned["failed"]) == (3, 3, 0) and planned["cost"] > 0
        again = project.numbers("run", "job.yaml", "--retry-failed")
        ledger = server.ledger()
    assert (again["ok"], again["failed"]) == (10, 0)
    assert nano(first["cost"]) + nano(again["cost"]) == bill(ledger)
    assert ledger.billed == 25 and ledger.overpaid == 3, "ten of each step, two repairs, three again"
    status = project.numbers("status", "job.yaml")
    assert nano(status["cost"]) == bill(ledger) and status["unpriced"] == 0
    steps = {step["step"]: step for step in status["steps"]}
    assert sum(nano(step["cost"]) for step in steps.values()) == bill(ledger)
    assert nano(steps["post"]["cost"]) == sum(
        bill(type(ledger)([line])) for line in ledger.lines if line.tier == "flex"
    )
    for name in ("input", "output", "cached", "reasoning"):
        assert sum(step[name] for step in steps.values()) == sum(getattr(one, name) for one in ledger.lines)
    assert steps["outline"]["maybe_billed"] == 1 and steps["outline"]["maybe"] > 0


def test_a_price_that_is_not_known_is_never_shown_as_nothing(project: Project) -> None:
    with serve(Script(models=("house-made-9",))) as server:
        project.job(models=served(server.base_url, model="house-made-9", price=None))
        for name, *options in (("plan",), ("run", "--limit=1"), ("run", "--json"), ("status",)):
            done = project.run(name, "job.yaml", *options)
            assert done.returncode == 0 and "$0.00" not in done.stdout, done.stdout
            assert "not known" in done.stdout or '"cost": null' in done.stdout, done.stdout


def test_models_that_run_here_are_free_under_any_budget(project: Project) -> None:
    project.job(budget={"cost": 0.01})
    done = project.run("run", "job.yaml")
    assert done.returncode == 0 and "$" not in done.stdout
    assert project.numbers("status", "job.yaml")["cost"] == 0


def test_no_budget_is_ever_passed_and_a_raised_one_goes_on(project: Project) -> None:
    with serve(BUDGETED) as server:
        models = served(server.base_url, params={"max_tokens": 110})
        project.job(models=models, records=Project.numbered(120))
        done = project.run("run", "job.yaml", "--set", "budget.requests=30")
        assert done.returncode == 4 and server.ledger().requests == 30
        assert "budget.requests: 30 of 30 are used" in done.stderr
        done = project.run("run", "job.yaml", "--set", "budget.tokens=6000")
        assert done.returncode == 4 and "budget.tokens: " in done.stderr, done.stderr
        ledger = server.ledger()
        assert ledger.requests > 30 and 5000 < ledger.input + ledger.output <= 6000
        done = project.run("run", "job.yaml", "--set", "budget.cost=0.08")
        spent = bill(server.ledger())
        assert done.returncode == 4 and 70_000_000 < spent <= 80_000_000
        assert f"budget.cost: ${spent / 1e9:.4f} of $0.0800 is spent" in done.stderr
        done = project.run("run", "job.yaml", "--set", "budget.cost=5")
        assert done.returncode == 0, done.stderr
        assert server.ledger().billed == 120 and server.ledger().overpaid == 0
        total = bill(server.ledger()) / 1e9
    assert f", ${total - spent / 1e9:.4f};" in done.stdout
    assert f"spent in all runs: ${total:.4f}" in project.run("status", "job.yaml").stdout


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"price": None}, "the price of model 'm' is not known"),
        ({"params": {"service_tier": "scale"}}, "in the service tier 'scale' is not known"),
        ({"price": None, "endpoints": [{"base_url": "http://127.0.0.1:9/v1"}]}, "is not known"),
    ],
)
def test_a_budget_in_dollars_needs_prices_before_anything_is_sent(
    project: Project, changes: dict[str, Any], sentence: str
) -> None:
    with serve(BUDGETED) as server:
        project.job(models=served(server.base_url, **changes), budget={"cost": 1})
        done = project.run("run", "job.yaml")
        assert done.returncode == 2 and sentence in done.stderr, done.stderr
        assert "job.yaml:7:5: " in done.stderr and "models.writer.price" in done.stderr
        assert server.ledger().requests == 0


def test_a_plan_says_requests_tokens_and_money_before_in_the_middle_and_after(project: Project) -> None:
    with serve(BUDGETED) as server:
        project.job(models=served(server.base_url), steps=STEPS, records=Project.numbered(20))
        before = project.numbers("plan", "job.yaml")
        assert (before["missing"], before["later"], before["spent"]) == (20, 20, 0)
        assert before["cost"] > 20 * 500 * PRICE["output"] / 1e6 and before["most"] is None
        assert server.ledger().requests == 0
        shown = project.run("plan", "job.yaml").stdout
        assert "up to 20 later requests is not known" in shown
        assert project.run("run", "job.yaml", "--limit", "10").returncode == 0
        middle, spent = project.numbers("plan", "job.yaml"), bill(server.ledger())
        assert (middle["missing"], middle["later"], middle["complete"]) == (10, 10, 10)
        assert nano(middle["spent"]) == spent
        assert project.run("run", "job.yaml").returncode == 0
        rest = bill(server.ledger()) - spent
    assert rest == pytest.approx(nano(middle["cost"]), rel=0.1)
    after = project.numbers("plan", "job.yaml")
    assert (after["missing"], after["later"], after["cost"], after["complete"]) == (0, 0, 0, 20)
