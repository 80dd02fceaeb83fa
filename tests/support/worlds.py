"""Worlds of stops, faults and edits, held to one that was never disturbed."""

from __future__ import annotations

import random
from contextlib import suppress
from pathlib import Path

import anyio

from pipeline.journal.spill import Spill
from tests.support.states import WIDTH, World, bills, disk, good_bills, kept, run

STEPS, WORLDS, EACH = 25, 400, 8
"""steps of a world; worlds of the long sweep; of these, so many live at one time, because runs mostly wait"""


async def live(folder: Path, seed: int) -> None:
    """Let a world live through its steps, then hold it to what must be true."""
    with disk(folder / "disk") as small:
        world = World(folder / "disk", folder / "ledger.jsonl", random.Random(seed), small)
        try:
            for _ in range(STEPS):
                await lived(world, seed)
            await held(world, folder, f"seed {seed}: {world.history}")
        finally:
            forget(world)


async def lived(world: World, seed: int) -> None:
    """One step: what was kept when it began is not paid for again in it."""
    before, billed = kept(world), bills(world)
    await world.step()
    again = before & (bills(world) - billed).keys()
    assert not again, f"seed {seed}: paid again for what was kept: {again}; {world.history}"


async def held(world: World, folder: Path, said: str) -> None:
    """What must be true of a world that has lived: of its bills, of its table and of what is kept."""
    await run(world.write())
    before = bills(world).total()
    code = await run(world.write())
    assert bills(world).total() == before, f"a finished job has paid again; {said}"
    if code:
        code = await run(world.write(), again=True)
    assert code == 0, f"it does not end: {code}; {said}"
    assert world.result.read_bytes() == await undisturbed(world, folder / "fresh"), f"another table; {said}"
    paid_again = sum(times - 1 for times in good_bills(world).values())
    assert paid_again <= world.kills * WIDTH, f"paid twice for more than was in flight; {said}"
    waiting = [file for file, _, _ in Spill(world.journal).spilled()]
    assert not waiting, f"nobody has picked up {waiting}; {said}"


async def undisturbed(world: World, folder: Path) -> bytes:
    """The table of the same job, run once."""
    folder.mkdir()
    fresh = World(
        folder,
        folder / "ledger.jsonl",
        random.Random(0),
        rows=world.rows,
        prompt=world.prompt,
        second=world.second,
        suffix=world.suffix,
    )
    assert await run(fresh.write()) == 0
    return fresh.result.read_bytes()


def forget(world: World) -> None:
    """Leave no folder behind outside of the world's own."""
    for folder in Spill(world.journal).folders():
        with suppress(OSError):
            folder.rmdir()


async def live_all(folder: Path, seeds: range) -> None:
    """Let worlds live side by side."""
    async with anyio.create_task_group() as group:
        for seed in seeds:
            group.start_soon(live, folder / str(seed), seed)
