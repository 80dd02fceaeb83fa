"""One record through its steps: forks, skips, faults, and the rows that come of them."""

from __future__ import annotations

import math
from itertools import product
from pathlib import Path
from typing import Any

import anyio
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.core.domain import Fate, Fault, Reply, Request, Unanswered
from pipeline.engine.walk import Branch
from tests.support.fakes import Provider, said
from tests.support.walks import echo, record, rows, walk_of


async def test_later_steps_see_earlier_answers_and_the_record(tmp_path: Path) -> None:
    steps = [{"prompt": "{{ title }}!"}, {"prompt": "{{ s0 }}?{{ row.title }}"}]
    walk = walk_of(tmp_path, steps, Provider([echo]))
    (leaf,) = await walk.leaves(record(title="tea"))
    assert dict(leaf.values) == {"s0": "tea!", "s1": "tea!?tea"}
    assert leaf.status == "ok"


async def test_a_branch_says_who_wrote_its_answers_and_not_who_was_not_asked(tmp_path: Path) -> None:
    provider = Provider([said("a"), Fault("bad_request", "x")])
    steps: list[dict[str, Any]] = [{}, {"when": "false"}, {}]
    (leaf,) = await walk_of(tmp_path, steps, provider).leaves(record())
    assert (leaf.status, leaf.models) == ("failed", ("scripted/x",))


async def test_forks_come_in_the_order_of_the_job(tmp_path: Path) -> None:
    steps: list[dict[str, Any]] = [
        {"each": {"a": [2, 1], "b": ["y", "x"]}},
        {"each": {"c": ["p", "q"]}, "prompt": "{{ a }}{{ b }}{{ c }}"},
    ]
    walk = walk_of(tmp_path, steps, Provider([echo]))
    found = [row.values["s1"] for row in await rows(walk, record())]
    assert found == ["2yp", "2yq", "2xp", "2xq", "1yp", "1yq", "1xp", "1xq"]


async def test_a_step_before_a_fork_is_asked_once(tmp_path: Path) -> None:
    provider = Provider([echo])
    walk = walk_of(tmp_path, [{}, {"each": {"a": [1, 2, 3]}, "prompt": "{{ a }}"}], provider)
    await walk.leaves(record())
    assert len(provider.requests) == 4


async def test_a_skipped_step_skips_what_reads_it_and_nothing_else(tmp_path: Path) -> None:
    steps = [
        {"when": "{{ price > 3 }}"},
        {"prompt": "{{ s0 }}"},
        {"prompt": "alone"},
        {"prompt": "p", "when": "{{ s1 == 'x' }}"},
    ]
    provider = Provider([echo])
    (leaf,) = await walk_of(tmp_path, steps, provider).leaves(record(price=1))
    assert leaf.skipped == {"s0", "s1", "s3"}
    assert dict(leaf.values) == {"s0": None, "s1": None, "s2": "alone", "s3": None}
    assert (leaf.status, len(provider.requests)) == ("skipped", 1)


async def test_a_condition_can_differ_from_fork_to_fork(tmp_path: Path) -> None:
    steps = [{"each": {"n": [1, 2, 3]}, "when": "{{ n != 2 }}", "prompt": "{{ n }}"}]
    leaves = await walk_of(tmp_path, steps, Provider([echo])).leaves(record())
    assert [leaf.status for leaf in leaves] == ["ok", "skipped", "ok"]


async def test_a_condition_that_says_neither_fails_the_row(tmp_path: Path) -> None:
    (leaf,) = await walk_of(tmp_path, [{"when": "{{ title }}"}], Provider()).leaves(record(title="tea"))
    assert leaf.status == "failed"


@pytest.mark.parametrize(
    ("fault", "status"),
    [(Fault("bad_request", "x"), "failed"), (Fault("unauthorized", "x", fate=Fate.STOP), "pending"),
     (Unanswered(Request("chat", "m", b"{}")), "pending"), (Fault("server_error",
     "x", fate=Fate.RETRY), "failed")],
)  # fmt: skip
async def test_a_fault_ends_its_branch_with_a_status(fault: Fault, status: str, tmp_path: Path) -> None:
    (leaf,) = await walk_of(tmp_path, [{}, {}], Provider([said("x"), fault])).leaves(record())
    assert (leaf.status, leaf.fault, leaf.at) == (status, fault, 1)
    assert leaf.values["s0"] == "x"


async def test_a_failed_branch_fills_all_rows_of_later_forks(tmp_path: Path) -> None:
    steps: list[dict[str, Any]] = [
        {"each": {"a": [1, 2]}, "prompt": "{{ a }}"},
        {},
        {"each": {"b": [1, 2, 3], "c": [1, 2]}},
    ]
    provider = Provider([Fault("bad_request", "x"), echo])
    found = await rows(walk_of(tmp_path, steps, provider), record())
    assert [(r.values["a"], r.values["b"], r.values["c"]) for r in found] == list(
        product([1, 2], [1, 2, 3], [1, 2])
    )
    assert [r.status for r in found] == ["failed"] * 6 + ["ok"] * 6


async def test_an_error_that_is_no_fault_is_not_swallowed(tmp_path: Path) -> None:
    async def broken(request: Request) -> Reply:
        raise RuntimeError

    with pytest.raises(RuntimeError):
        await walk_of(tmp_path, [{}], broken).leaves(record())


FANS = st.lists(st.lists(st.integers(0, 2), max_size=2).map(tuple), min_size=1, max_size=3)


@given(fans=FANS, fail=st.sets(st.integers(0, 60)), skip=st.booleans())
def test_rows_are_the_product_of_all_forks_whatever_fails(
    fans: list[tuple[int, ...]], fail: set[int], skip: bool, tmp_path_factory: pytest.TempPathFactory
) -> None:
    steps: list[dict[str, Any]] = []
    domains: list[list[int]] = []
    for i, fan in enumerate(fans):
        each = {f"v{i}_{j}": list(range(size + 1)) for j, size in enumerate(fan)}
        domains += list(each.values())
        steps.append({"each": each, "prompt": " ".join(f"{{{{ {n} }}}}" for n in each) or "p"})
    if skip:
        steps[0]["when"] = "false"
    asked = 0

    async def call(request: Request) -> Reply:
        nonlocal asked
        asked += 1
        if asked in fail:
            raise Fault("bad_request", "x")
        return said("x")

    walk = walk_of(tmp_path_factory.mktemp("walk"), steps, call)
    found: list[Branch] = anyio.run(rows, walk, record())
    names = [name for step in steps for name in step["each"]]
    assert [tuple(row.values[name] for name in names) for row in found] == list(product(*domains))
    assert len(found) == math.prod(map(len, domains))
    assert all(row.status in ("ok", "failed", "skipped") for row in found)
