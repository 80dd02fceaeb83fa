"""The pool: many records walk at once, and come to the same leaves."""

from __future__ import annotations

from pathlib import Path

import anyio
import pytest

from pipeline.engine.pool import Pool
from pipeline.engine.walk import Branch
from tests.support.fakes import Provider
from tests.support.walks import echo, record, walk_of


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
