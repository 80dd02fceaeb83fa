"""Prompts: what a step asks."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipeline.core.domain import Fault
from tests.support.fakes import Provider, said
from tests.support.stages import failed, stage, taken


async def test_parameters_of_the_step_stand_over_those_of_the_model(tmp_path: Path) -> None:
    provider = Provider([said("x")])
    of = stage(tmp_path, {"params": {"a": 1, "b": 1}}, prompt="p", params={"b": 2})
    await taken(of, provider)
    assert (provider.bodies[0]["a"], provider.bodies[0]["b"]) == (1, 2)


async def test_a_prompt_that_cannot_be_rendered_sends_nothing(tmp_path: Path) -> None:
    provider = Provider()
    assert (await failed(stage(tmp_path, prompt="{{ nope }}"), provider)).kind == "template"
    assert (await failed(stage(tmp_path, prompt="{{ a }}"), provider, a="\ud800")).kind == "bad_text"
    assert provider.requests == []


async def test_the_first_request_is_the_one_that_is_sent(tmp_path: Path) -> None:
    provider = Provider()
    of = stage(tmp_path, prompt="{{ a }}", answer={"json": {"a": "string"}}, allow=["empty"])
    with pytest.raises(Fault):
        await taken(of, provider, a="x")
    assert of.runner.first_request({"a": "x"}, "1") == provider.requests[0]
