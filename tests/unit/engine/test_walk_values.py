"""What a step sees where a column and a value of `each` share a name, and who is said to have answered."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml

from pipeline.core.domain import Call, Record, Reply, Request
from pipeline.engine.stages import stages_of
from pipeline.engine.walk import Walk
from pipeline.job.load import load
from tests.support.fakes import said


def walk_of(folder: Path, steps: list[dict[str, Any]], calls: dict[str, Call]) -> Walk:
    file = folder / "job.yaml"
    models = {name: {"provider": "scripted", "model": f"of-{name}"} for name in calls}
    job = {"name": "a", "records": {"from": "r.csv"}, "models": models, "steps": steps}
    file.write_text(yaml.safe_dump(job, sort_keys=False))
    return Walk(stages_of(load(file)), calls)


def answering(model: str) -> Call:
    async def call(request: Request) -> Reply:
        return Reply(
            "chat", said(request.body.decode().split('"content":"')[1].split('"')[0]).body, model=model
        )

    return call


async def test_a_row_names_the_models_of_all_its_steps(tmp_path: Path) -> None:
    steps = [{"name": f"s{i}", "model": name, "prompt": "p"} for i, name in enumerate("mnm")]
    walk = walk_of(tmp_path, steps, {"m": answering("of-m"), "n": answering("of-n")})
    (leaf,) = await walk.leaves(Record("1", {}, 1))
    assert leaf.models == ("scripted/of-m", "scripted/of-n", "scripted/of-m")


async def test_a_value_of_each_stands_before_the_column_of_its_name(tmp_path: Path) -> None:
    steps = [
        {"name": "a", "model": "m", "each": {"lang": ["de", "ja"]}, "prompt": "{{ row.lang }} to {{ lang }}"},
        {"name": "b", "model": "m", "prompt": "{{ a }}, in {{ lang }}"},
    ]
    walk = walk_of(tmp_path, steps, {"m": answering("of-m")})
    leaves = await walk.leaves(Record("1", {"lang": "en"}, 1))
    assert [leaf.values["a"] for leaf in leaves] == ["en to de", "en to ja"]
    assert [leaf.values["b"] for leaf in leaves] == ["en to de, in de", "en to ja, in ja"]


@pytest.mark.parametrize(("first", "second"), [(True, True), (True, False), (False, True), (False, False)])
async def test_a_row_is_known_where_nothing_was_sent_for_any_of_its_steps(
    first: bool, second: bool, tmp_path: Path
) -> None:
    replies = iter([replace(said("x"), known=known) for known in (first, second)])

    async def call(request: Request) -> Reply:
        return next(replies)

    steps = [{"name": name, "model": "m", "prompt": name} for name in "ab"]
    (leaf,) = await walk_of(tmp_path, steps, {"m": call}).leaves(Record("1", {}, 1))
    assert leaf.known is (first and second)
