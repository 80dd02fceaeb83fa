"""A judge behind the decisions endpoint: probabilities in the place of votes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import orjson
import pytest
from openai.types.decision import Decision
from openai.types.decision_create_params import DecisionCreateParams
from pydantic import TypeAdapter

from pipeline.core.domain import Rejected, Reply, Usage
from pipeline.testing.answers import Said, body_of
from tests.support.critics import Both
from tests.support.stages import stage

MODELS: dict[str, Any] = {name: {"provider": "scripted", "model": name} for name in ("writer", "critic")}
CRITERIA = {"faithful": "Says nothing that is not given.", "warm": "Sounds warm.", "short": "Is short."}


def reply(answers: list[dict[str, Any]]) -> Reply:
    """What OpenAI's endpoint would say, as its own types have it."""
    text = orjson.dumps(answers).decode()
    body = body_of("decisions", b"0" * 32, Said(text, "critic", Usage(100, 2)))
    Decision.model_validate_json(body)
    return Reply("decisions", body)


def predicate(name: str, probability: Any) -> dict[str, Any]:
    return {"type": "predicate", "name": name, "probability": probability}


def score(name: str, *chances: float) -> dict[str, Any]:
    levels = [{"label": str(n), "value": n - 1, "probability": one} for n, one in enumerate(chances, 1)]
    return {"type": "score", "name": name, "score": 2.0, "confidence": 0.5, "probabilities": levels}


class Deciding(Both):
    """A judge that gives these answers, in the order in which it is asked."""

    def __init__(self, *rounds: dict[str, dict[str, Any]]) -> None:
        super().__init__(lambda parts, n: self.answered(rounds[min(n, len(rounds) - 1)]))

    def answered(self, answers: dict[str, dict[str, Any]]) -> Reply:
        return reply([answers[question["name"]] for question in self.bodies[-1]["questions"]])


async def take(folder: Path, both: Both, **options: Any) -> Any:
    judge = {"model": "critic", "criteria": CRITERIA, "via": "decisions", **options}
    of = stage(folder, models=MODELS, prompt="Write.", model="writer", repairs=0, checks={"judge": judge})
    return (await of.runner.take({}, "1", both)).value


async def test_all_criteria_are_one_request_in_the_form_of_the_api(tmp_path: Path) -> None:
    both = Deciding({name: predicate(name, 0.9) for name in CRITERIA})
    assert await take(tmp_path, both) == "I like tea."
    (body,), (request,) = both.bodies, both.judged
    assert (request.api, request.via) == ("decisions", "critic")
    TypeAdapter(DecisionCreateParams).validate_python(body)
    assert {one["name"]: one["type"] for one in body["questions"]} == dict.fromkeys(CRITERIA, "predicate")
    assert all(one["instructions"].endswith(CRITERIA[one["name"]]) for one in body["questions"])
    assert [turn["role"] for turn in body["input"]] == ["system", "user"]
    assert both.asked[0] == {"what was given": "Write.", "text": "I like tea."}


@pytest.mark.parametrize(
    ("chance", "threshold", "passes"),
    [
        (0.8, None, True),
        (0.799, None, False),
        (0.3, 0.3, True),
        (0.29, 0.3, False),
        (1, 0.99, True),
        (0, 0.1, False),
    ],
)
async def test_a_probability_is_held_against_the_threshold(
    chance: float, threshold: float | None, passes: bool, tmp_path: Path
) -> None:
    answers = {name: predicate(name, 1) for name in CRITERIA} | {"warm": predicate("warm", chance)}
    asked = take(tmp_path, Deciding(answers), **({} if threshold is None else {"threshold": threshold}))
    if passes:
        assert await asked == "I like tea."
        return
    with pytest.raises(Rejected) as fault:
        await asked
    assert fault.value.message.startswith('the answer does not meet a criterion. "warm" (Sounds warm.)')
    assert f"a probability of {int(chance * 100)}%" in fault.value.message


@pytest.mark.parametrize(
    ("chances", "passes"),
    [
        ((0, 0, 0.5, 0.25, 0.25), True),
        ((0, 0, 0.51, 0.25, 0.24), False),
        ((0, 0, 0, 0, 1), True),
        ((1, 0, 0, 0, 0), False),
    ],
)
async def test_a_score_passes_where_it_more_likely_reaches_the_threshold(
    chances: tuple[float, ...], passes: bool, tmp_path: Path
) -> None:
    both = Deciding({name: score(name, *chances) for name in CRITERIA})
    if passes:
        assert await take(tmp_path, both, threshold=4) == "I like tea."
    else:
        with pytest.raises(Rejected, match="that it has at least 4 of 5, and 50% is needed"):
            await take(tmp_path, both, threshold=4)
    assert [one["label"] for one in both.bodies[0]["questions"][0]["levels"]] == list("12345")


@pytest.mark.parametrize(
    "bad",
    [
        {"type": "refusal", "name": "warm"},
        {"type": "predicate", "name": "cold", "probability": 1},
        score("warm", 0.5, 0.5),
    ],
)
async def test_an_answer_that_decides_nothing_is_asked_for_again(bad: dict[str, Any], tmp_path: Path) -> None:
    good = {name: predicate(name, 1) for name in CRITERIA}
    assert await take(tmp_path, Deciding(good | {"warm": bad}, good)) == "I like tea."
    both = Deciding(good | {"warm": bad})
    with pytest.raises(Rejected) as fault:
        await take(tmp_path, both)
    assert fault.value.kind == "not_judged" and fault.value.requests == tuple(both.judged)
    assert len({request.digest for request in both.judged}) == 2


@pytest.mark.parametrize("probability", [None, "1", True, -0.1, 1.1, 1e999, [1]])
async def test_what_is_no_probability_decides_nothing(probability: Any, tmp_path: Path) -> None:
    body = {"answers": [predicate("warm", probability)], "model": "critic"}
    both = Both(lambda parts, n: Reply("decisions", orjson.dumps(body)))
    with pytest.raises(Rejected, match="no probability for warm"):
        await take(tmp_path, both, criteria={"warm": "Sounds warm."})
