"""Answers that a moderation endpoint reads."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import orjson
import pytest
from openai.types.moderation import Categories

from pipeline.core.domain import Fate, Fault, Rejected, Reply
from pipeline.core.errors import JobError
from pipeline.job.models import Model
from pipeline.money.tariff import tariff_of
from tests.support.critics import Both
from tests.support.stages import stage

NAMES = [field.alias or name for name, field in Categories.model_fields.items()]


def models(**mod: Any) -> dict[str, Any]:
    moderates = {"provider": "scripted", "model": "omni-moderation-latest", **mod}
    return {"m": {"provider": "scripted", "model": "w"}, "mod": moderates}


def scored(**scores: Any) -> Both:
    result = {"flagged": False, "categories": {}, "category_scores": dict.fromkeys(NAMES, 0.01) | scores}
    return Both(lambda parts, n: Reply("moderations", orjson.dumps({"results": [result]})))


async def take(folder: Path, both: Both, **options: Any) -> Any:
    checks = {"moderation": {"model": "mod", **options}}
    of = stage(folder, models=models(), prompt="Write.", model="m", repairs=0, checks=checks)
    return (await of.runner.take({}, "1", both)).value


async def test_the_text_alone_is_sent(tmp_path: Path) -> None:
    both = scored()
    assert await take(tmp_path, both) == "I like tea."
    assert both.bodies == [{"model": "scripted/omni-moderation-latest", "input": "I like tea."}]
    assert [(one.api, one.via) for one in both.judged] == [("moderations", "mod")]


@pytest.mark.parametrize(
    ("scores", "options", "found"),
    [
        ({"hate": 0.5}, {}, ""),
        ({"hate": 0.51, "violence": 0.9}, {}, "violence (0.90), hate (0.51)"),
        ({"hate": 0.2}, {"most": 0.1}, "hate (0.20)"),
        ({"hate": 0.9}, {"categories": ["violence"]}, ""),
        ({"hate": 0.9}, {"categories": "hate"}, "hate (0.90)"),
        ({"hate": 0.9}, {"most": 1}, ""),
    ],
)
async def test_scores_are_held_against_the_most(
    scores: dict[str, float], options: dict[str, Any], found: str, tmp_path: Path
) -> None:
    if not found:
        assert await take(tmp_path, scored(**scores), **options) == "I like tea."
        return
    with pytest.raises(Rejected) as fault:
        await take(tmp_path, scored(**scores), **options)
    assert f"has a high score for {found} at a moderation" in fault.value.message
    assert fault.value.message.endswith("is allowed")


async def test_a_server_that_says_yes_or_no_is_understood(tmp_path: Path) -> None:
    both = Both(
        lambda parts, n: Reply("moderations", b'{"results": [{"categories": {"a": false, "b": true}}]}')
    )
    with pytest.raises(Rejected, match=r"b \(1.00\)"):
        await take(tmp_path, both)


@pytest.mark.parametrize(
    "body", [b"{}", b'{"results": []}', b'{"results": [{"category_scores": {"a": "x"}}]}']
)
async def test_a_reply_without_scores_is_no_pass(body: bytes, tmp_path: Path) -> None:
    with pytest.raises(Fault) as fault:
        await take(tmp_path, Both(lambda parts, n: Reply("moderations", body)))
    assert fault.value.kind == "not_judged" and fault.value.fate is Fate.RETRY


async def test_a_category_that_the_server_does_not_have_stops_the_run(tmp_path: Path) -> None:
    with pytest.raises(Fault, match="no category 'hatred'; did you mean 'hate'") as fault:
        await take(tmp_path, scored(), categories=["hatred"])
    assert fault.value.fate is Fate.STOP


def test_a_category_that_openai_does_not_have_is_refused_before(tmp_path: Path) -> None:
    with pytest.raises(JobError, match="no category 'hatred'") as error:
        checks = {"moderation": {"model": "mod", "categories": ["hatred"]}}
        stage(tmp_path, models=models(provider="openai"), prompt="Write.", model="m", checks=checks)
    assert "did you mean 'hate'" in str(error.value) and "job.yaml:" in str(error.value)


def test_all_categories_of_openai_are_known(tmp_path: Path) -> None:
    checks = {"moderation": {"model": "mod", "categories": NAMES}}
    assert stage(tmp_path, models=models(provider="openai"), prompt="Write.", model="m", checks=checks)


def test_openai_moderates_for_nothing_and_nobody_else_is_known_to() -> None:
    free = Model(provider="openai", model="omni-moderation-latest", base_url="https://api.openai.com/v1")
    assert tariff_of(free).free
    assert not tariff_of(free.model_copy(update={"base_url": "https://proxy.example/v1"})).known
    assert not tariff_of(free.model_copy(update={"model": "gpt-5-mini"})).free
