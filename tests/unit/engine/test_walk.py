"""One record through its steps: forks, skips, faults, and the rows that come of them."""

from __future__ import annotations

import math
from itertools import product
from pathlib import Path
from typing import Any

import anyio
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from pipeline.core.domain import Fate, Fault, Record, Reply, Request, Unanswered
from pipeline.engine.pool import Pool
from pipeline.engine.stages import stages_of
from pipeline.engine.walk import Branch, Walk
from pipeline.job.load import load
from tests.support.fakes import Provider, said

HEAD = {
    "name": "a",
    "records": {"from": "r.csv"},
    "models": {"m": {"provider": "scripted", "model": "x"}},
}


def walk_of(folder: Path, steps: list[dict[str, Any]], call: Any) -> Walk:
    file = folder / "job.yaml"
    named = [{"name": f"s{i}", "prompt": f"s{i}", **step} for i, step in enumerate(steps)]
    file.write_text(yaml.safe_dump({**HEAD, "steps": named}, sort_keys=False))
    return Walk(stages_of(load(file)), {"m": call})


def record(key: str = "1", **fields: Any) -> Record:
    return Record(key, fields, 1)


def echo(request: Request) -> Reply:
    return said(request.body.decode().split('"content":"')[1].split('"')[0])


async def rows(walk: Walk, one: Record) -> list[Branch]:
    return [row for leaf in await walk.leaves(one) for row in walk.rows_of(leaf)]


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


async def test_a_pool_walks_the_same_leaves(tmp_path: Path) -> None:
    steps = [
        {"each": {"a": [1, 2]}, "prompt": "{{ n }} {{ a }}"},
        {"each": {"b": [1, 2]}, "prompt": "{{ s0 }} {{ b }}"},
    ]
    records = [record(str(i), n=i) for i in range(300)]
    provider = Provider([echo], seconds=0.0001)
    walk = walk_of(tmp_path, steps, provider)
    leaves: list[Branch] = []
    batches = iter([records[:1], [], records[1:200], records[200:]])
    with anyio.fail_after(20):
        await Pool(walk, lambda: 16, leaves.append).run(batches)
    assert sorted(leaf.values["s1"] for leaf in leaves) == sorted(
        f"{n} {a} {b}" for n in range(300) for a in (1, 2) for b in (1, 2)
    )
    assert provider.most <= 16
    assert len(provider.requests) == 300 * 2 + 300 * 4


@pytest.mark.parametrize("records", [0, 1, 3, 700])
@pytest.mark.parametrize("hands", [1, 5, 1000])
async def test_a_pool_comes_to_its_end(records: int, hands: int, tmp_path: Path) -> None:
    walk = walk_of(tmp_path, [{"prompt": "{{ n }}"}], Provider([echo]))
    leaves: list[Branch] = []
    batches = iter([[record(str(i), n=i) for i in range(records)]])
    with anyio.fail_after(20):
        await Pool(walk, lambda: hands, leaves.append).run(batches)
    assert len(leaves) == records


async def test_a_pool_has_as_many_hands_as_are_wanted_while_it_goes_on(tmp_path: Path) -> None:
    wanted = 2
    provider = Provider([echo], seconds=0.001)
    walk = walk_of(tmp_path, [{"prompt": "{{ n }}"}], provider)
    seen: list[int] = []

    def on_leaf(leaf: Branch) -> None:
        nonlocal wanted
        if len(seen) % 100 == 99:
            wanted = 2 if wanted == 20 else 20
            provider.most = provider.now
        seen.append(provider.most)

    with anyio.fail_after(20):
        await Pool(walk, lambda: wanted, on_leaf).run(iter([[record(str(i), n=i) for i in range(400)]]))
    assert len(seen) == 400
    assert max(seen[:100]) <= 2
    assert 15 <= max(seen[100:200]) <= 20
