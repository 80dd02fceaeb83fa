"""Any order of kills, faults and edits ends in the table of a run that nothing has disturbed."""

from __future__ import annotations

import random
from pathlib import Path

import anyio
import pytest

from tests.states import WIDTH, World, bills, good_bills, run

STEPS, SEEDS, EACH = 25, 50, 8
"""steps of one world; worlds in the suite of every day; worlds of one test in the long sweep"""


async def live(folder: Path, seed: int) -> None:
    """Let a world live through its steps, then hold it to what must be true."""
    folder.mkdir(parents=True)
    world = World(folder, random.Random(seed))
    for _ in range(STEPS):
        await world.step()
    said = f"seed {seed}: {world.history}"
    await run(world.write())
    before = bills(world).total()
    code = await run(world.write())
    assert bills(world).total() == before, f"a finished job has paid again; {said}"
    written = (world.root / f"output/w/out.{world.suffix}").read_bytes()
    undisturbed = World(
        folder / "fresh", random.Random(0), world.rows, world.prompt, world.second, world.suffix
    )
    undisturbed.folder.mkdir()
    fresh = await run(undisturbed.write())
    if code == fresh == 0:
        expected = (undisturbed.root / f"output/w/out.{world.suffix}").read_bytes()
        assert written == expected, f"the table is another than undisturbed; {said}"
    paid_again = sum(times - 1 for times in good_bills(world).values())
    assert paid_again <= world.kills * WIDTH, f"paid twice for more than was in flight; {said}"


@pytest.mark.parametrize("seed", range(4))
def test_p08_kills_faults_and_edits_in_any_order_end_in_the_same_table(seed: int, tmp_path: Path) -> None:
    anyio.run(live, tmp_path / "w", seed)


@pytest.mark.soak
@pytest.mark.parametrize("first", range(100, 100 + SEEDS * EACH, EACH))
def test_p08_ten_thousand_steps(first: int, tmp_path: Path) -> None:
    for seed in range(first, first + EACH):
        anyio.run(live, tmp_path / str(seed), seed)
