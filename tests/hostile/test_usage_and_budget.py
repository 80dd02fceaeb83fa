"""Whatever a server says of what an answer used: the budget holds, in this run and in all later ones."""

from __future__ import annotations

import json
import random
from typing import Any

import pytest

from pipeline.testing import Rule, Script
from tests.support.fakes import chat_body
from tests.support.project import Project
from tests.support.served import served
from tests.support.server import serve

TRUE = {"prompt_tokens": 10, "completion_tokens": 100, "total_tokens": 110}
COST = 1_010_000
"""what each answer really costs, in nano-dollars"""
BUDGET = 0.01
NO_COUNT: list[Any] = [None, "100", -1, 1 << 27, 1 << 70, 100.0, True, [], {}, "", 1e308, 0]


def mutated(chance: random.Random) -> dict[str, Any]:
    """A true usage with one or both halves missing or no count, or a part of one that is none."""
    said: dict[str, Any] = dict(TRUE)
    halves = ["prompt_tokens", "completion_tokens"]
    for half in chance.sample(halves, chance.choice((1, 1, 2))):
        if chance.random() < 0.3:
            del said[half]
        else:
            said[half] = chance.choice(NO_COUNT)
    if chance.random() < 0.4:
        said["total_tokens"] = chance.choice(NO_COUNT)
    if chance.random() < 0.4:
        said["prompt_tokens_details"] = {"cached_tokens": chance.choice(NO_COUNT)}
    return said


def spent(project: Project, said: dict[str, Any], **reply: Any) -> tuple[int, dict[str, Any]]:
    """What two runs with a budget really cost, and what `status` says then."""
    body = json.loads(chat_body("fine")) | {"usage": said} | reply
    with serve(Script(faults=(Rule(fault="body", every=1, billed=True, body=json.dumps(body)),))) as server:
        price = {"input": 1, "output": 10}
        models = served(server.base_url, price=price, params={"max_tokens": 100}, limits={"concurrency": 4})
        project.job(models=models, records=Project.numbered(40), budget={"cost": BUDGET})
        codes = [project.run("run", "job.yaml").returncode for _ in range(2)]
        assert codes == [4, 4]
        return server.ledger().billed * COST, project.numbers("status", "job.yaml")


LARGER = {"prompt_tokens_details": "cached_tokens", "completion_tokens_details": "reasoning_tokens"}


@pytest.mark.parametrize("details", LARGER)
def test_a_budget_holds_where_a_part_is_larger_than_its_whole(project: Project, details: str) -> None:
    said = {"prompt_tokens": 10, "completion_tokens": 1, details: {LARGER[details]: 99}}
    cost, status = spent(project, said)
    assert 0 < cost <= BUDGET * 1e9
    assert status["cost"] == 0
    assert cost <= status["maybe_cost"] * 1e9 <= BUDGET * 1e9


@pytest.mark.parametrize("seed", range(6))
def test_a_budget_holds_whatever_a_usage_says(project: Project, seed: int) -> None:
    cost, status = spent(project, mutated(random.Random(seed)))
    assert 0 < cost <= BUDGET * 1e9
    assert status["cost"] == 0, "nothing is told as if it were known"
    assert cost <= status["maybe_cost"] * 1e9 <= BUDGET * 1e9


def test_an_answer_of_a_tier_without_a_price_is_held_at_its_worst(project: Project) -> None:
    cost, status = spent(project, TRUE, service_tier="priority")
    assert 0 < cost <= BUDGET * 1e9
    assert (status["cost"], status["unpriced"]) == (0, 0)
    assert cost <= status["maybe_cost"] * 1e9


def test_a_budget_of_tokens_is_not_filled_again_by_answers_without_a_count(project: Project) -> None:
    with serve(Script(usage=False)) as server:
        models = served(server.base_url, params={"max_tokens": 100})
        project.job(models=models, records=Project.numbered(40), budget={"tokens": 1000})
        assert project.run("run", "job.yaml").returncode == 4
        billed = server.ledger().billed
        assert project.run("run", "job.yaml").returncode == 4
        assert server.ledger().billed == billed < 10
