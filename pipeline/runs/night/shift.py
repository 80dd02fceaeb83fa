"""Opens the batches of a run, where its job, or an earlier run of it, has any; and ends them all."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import TYPE_CHECKING

from pipeline.core.display import counted
from pipeline.journal import accounts, batches
from pipeline.lanes.guards.fuse import ending_by
from pipeline.lanes.lanes import Lanes
from pipeline.runs.night.deadline import Deadline
from pipeline.runs.night.night import Night
from pipeline.runs.night.parking import Parked
from pipeline.runs.night.submit import attend
from pipeline.runs.night.under_way import UnderWay

if TYPE_CHECKING:
    from pipeline.runs.state import RunState


@asynccontextmanager
async def open_night(run: RunState) -> AsyncIterator[None]:
    """Give the run its `night`, with the batches that earlier runs left open; close it at the end.

    A pilot sends each request by itself, because it is to show its answers now.
    """
    assert run.shared is not None  # noqa: S101 - made before
    job, shared = run.session.job, run.shared
    named = {name for stage in run.session.stages for first in stage.spec.asked for name in job.chain(first)}
    lanes = {name: shared.lane_of(name) for name in named if not run.wish.pilot}
    lanes = {name: lane for name, lane in lanes.items() if lane != "sync"}
    unfinished = any(one.unfinished for one in batches.all_of(run.journal.select))
    if not unfinished and not any(lane == "batch" or run.wish.by for lane in lanes.values()):
        idle = [name for name, wanted in (("--by", run.wish.by), ("--detach", run.wish.detach)) if wanted]
        if idle:
            run.say(f"no model goes by batch, so this has no effect: {', '.join(idle)}")
        yield
        return
    parked = Parked(job.folder, job.name, run.journal, shared.budget)
    under_way = UnderWay(job, shared, parked, attend)
    night = Night(under_way, lanes, detach=run.wish.detach)
    if run.wish.by is not None:
        night.deadline = Deadline(run.wish.by, run.wish.buffer)
        under_way.patient = not run.wish.detach
        night.usual = max((at for (at,) in accounts.percentiles(run.journal, (0.95,)).values()), default=0.0)
    parked.lane_of = shared.lane_of = night.lane_of
    shared.parking, run.night = parked, night
    async with AsyncExitStack() as stack:
        await under_way.connect([name for name, lane in lanes.items() if lane == "batch"], stack)
        for batch in [one for one in under_way.open.values() if not one.id]:
            await attend(batch, under_way)
        yield
        await _collect_rest(run)


async def goes_on(run: RunState) -> bool:
    """Submit what a walk has parked, and wait, until the run is to end; whether to walk again."""
    if run.night is None or run.shared is None:
        return False
    async with ending_by(run.wish.until, run.shared.clock, run.fuse):
        return await run.night.goes_on(run.progress, len(run.session.stages))


async def end_batches(run: RunState) -> int:
    """Cancel all open batches, and collect what they have answered; how many there were."""
    if run.night is None or run.shared is None:
        return 0
    async with _lanes(run):
        count = run.night.cancel()
        await run.night.wait_for_all()
    return count


async def _collect_rest(run: RunState) -> None:
    """Collect what has ended of the batches that no row of the table waited for."""
    assert run.night is not None  # noqa: S101 - it is open
    under_way = run.night.under_way
    if under_way.open or under_way.left:
        async with _lanes(run):
            await under_way.collect()
    if count := len(under_way.open) + len(under_way.left):
        said = "that the table does not need, but that may be paid for: run the job again later"
        run.say(f"{counted(count, 'batch')} still under way {said}")


@asynccontextmanager
async def _lanes(run: RunState) -> AsyncIterator[None]:
    """What answers of batches are read and priced by."""
    assert run.night is not None and run.shared is not None  # noqa: S101 - the night is open
    async with AsyncExitStack() as stack:
        lanes = Lanes(run.session.job, run.shared)
        await lanes.launch(run.night.under_way.apis, stack)
        run.night.under_way.lane_named = lanes.first
        yield
