"""A text that is put together from the answers before it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from pipeline.core.domain import Billed, Rejected
from pipeline.core.errors import JobError
from pipeline.engine.stages import stages_of
from pipeline.job.load import load
from tests.support.fakes import Provider
from tests.support.stages import failed, stage, taken
from tests.support.walks import record, walk_of

TWO = {"m": {"provider": "scripted", "model": "x"}, "n": {"provider": "scripted", "model": "y"}}


async def test_a_join_needs_no_model_and_sends_nothing(tmp_path: Path) -> None:
    provider = Provider()
    of = stage(tmp_path, models=TWO, join="\n{{ a }}\n\n{{ b | join(', ') }}\n\n")
    assert await taken(of, provider, a="x", b=["y", "z"]) == "x\n\ny, z"
    assert of.model is None and of.spec.asked == () and of.runner.repairs == 0
    assert of.runner.first_request({"a": 1, "b": []}, "1") is None
    assert provider.requests == []


@pytest.mark.parametrize("values", [{"a": "", "b": []}, {"a": " \n", "b": [""]}])
async def test_an_empty_text_is_no_result(values: dict[str, Any], tmp_path: Path) -> None:
    of = stage(tmp_path, join="{{ a }}{{ b | join }}")
    assert "the text is empty" in (await failed(of, Provider(), **values)).message


async def test_a_text_that_cannot_be_rendered_fails_its_row(tmp_path: Path) -> None:
    fault = await failed(stage(tmp_path, join="{{ a.b }}"), Provider(), a=[])
    assert fault.kind == "template" and "job.yaml:" in fault.message


async def test_a_check_that_is_hard_fails_the_row_with_the_text_as_it_is(tmp_path: Path) -> None:
    of = stage(tmp_path, join="{{ a }}", checks={"length": {"max": 3}, "soft": {"contains": ["z"]}})
    fault = await failed(of, Provider(), a="long text")
    assert isinstance(fault, Rejected) and fault.best == "long text" and fault.requests == ()
    assert fault.known and fault.billed is Billed.NO and fault.kind == "rejected"
    assert "the answer" in fault.message and "Write it" not in fault.message
    found = await of.runner.take({"a": "abc"}, "1", Provider())
    assert found.value == "abc" and [one.check for one in found.soft] == ["contains"]


async def test_options_of_its_checks_may_be_templates(tmp_path: Path) -> None:
    of = stage(tmp_path, join="{{ a }}", checks={"contains": ["{{ word }}"]})
    assert await taken(of, Provider(), a="abcd", word="bc") == "abcd"
    assert (await failed(of, Provider(), a="abcd", word="x")).kind == "rejected"


async def test_a_join_is_made_for_each_fork_and_each_item(tmp_path: Path) -> None:
    steps = [
        {"join": "{{ style }}{{ a }}", "each": {"style": ["x", "y"]}},
        {"join": "{{ number }}{{ it }}{{ written }}", "each": {"it": "{{ a }}"}, "order": "serial"},
    ]
    leaves = await walk_of(tmp_path, steps, Provider()).leaves(record(a=["p", "q"]))
    assert [leaf.values["s0"] for leaf in leaves] == ['x["p","q"]', 'y["p","q"]']
    assert [leaf.values["s1"] for leaf in leaves] == [["1p", "2q1p"]] * 2


async def test_a_join_is_skipped_with_what_it_reads(tmp_path: Path) -> None:
    steps = [{"prompt": "a", "when": "{{ go }}"}, {"join": "{{ s0 }}"}]
    (leaf,) = await walk_of(tmp_path, steps, Provider()).leaves(record(go=False))
    assert leaf.skipped == {"s0", "s1"} and leaf.values["s1"] is None


@pytest.mark.parametrize(
    "more", [{"model": "m"}, {"params": {"temperature": 1}}, {"prompt": "x"}, {"end": "[END]"}]
)
def test_a_join_takes_nothing_that_is_for_a_model(more: dict[str, Any], tmp_path: Path) -> None:
    with pytest.raises(JobError, match=rf"(?s)job\.yaml:.*{next(iter(more))}"):
        stage(tmp_path, join="{{ a }}", **more)


@pytest.mark.parametrize(
    ("step", "what"),
    [
        ({"each": {"a": "{{ x }}", "b": "{{ y }}"}}, "only one name in `each` can be a template"),
        ({"order": "serial"}, "`order` is for the items of a list"),
        ({"each": {"a": [1]}, "order": "serial"}, "`order` is for the items of a list"),
        ({"each": {"a": "en"}}, "each.a: must be a list"),
        ({"each": {"a": ""}}, "each.a: must be a list"),
        ({"each": {"a": "{{ x"}}, "template"),
        ({"each": {"a": "{{ x }}"}, "order": "random"}, "must be 'parallel' or 'serial'"),
    ],
)
def test_what_items_cannot_be(step: dict[str, Any], what: str, tmp_path: Path) -> None:
    with pytest.raises(JobError, match=r"job\.yaml:\d+:\d+: ") as error:
        stage(tmp_path, prompt="p", **step)
    assert what in str(error.value)


def test_documents_have_no_items(tmp_path: Path) -> None:
    file = tmp_path / "job.yaml"
    file.write_text(
        "name: a\nrecords: {from: docs}\nmodels: {m: {provider: scripted, model: x}}\nsteps:\n"
        '  - {name: s, each: {a: "{{ x }}"}, translate: {from: en, to: de}}\n'
    )
    with pytest.raises(JobError, match="documents have segments"):
        stages_of(load(file))


def test_a_joined_text_cannot_be_written_again(tmp_path: Path) -> None:
    with pytest.raises(JobError, match="put it on the step that writes the parts"):
        stage(tmp_path, join="{{ a }}", checks={"soft": {"distinct": True}})
