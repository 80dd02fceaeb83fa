"""Has a batch made exactly once, whatever the server's replies are, and whenever the program is killed.

That a batch is wanted is on the disk before anything is submitted, and the batch carries a mark. Where it
is not known whether the server has made it, it is looked for by its mark before it is submitted again. This
module does not know what is in a batch.
"""

from __future__ import annotations

import anyio

from pipeline.core.contracts import BatchState
from pipeline.core.display import counted
from pipeline.core.domain import Billed, Fate, Fault
from pipeline.journal import batches
from pipeline.journal.batches import Batch
from pipeline.runs.night.under_way import UnderWay, stopped

LOOKS = (0.0, 1.0, 5.0, 15.0)
"""seconds before each look for a batch that may have been made"""
SETTLED = 3600.0
"""seconds after which one look is enough; an upload may take long, and the batch is made after it"""
WAITS, LONGEST = (1.0, 5.0, 30.0), 120.0
"""seconds before each further try, where a server does not say how long to wait; and the most of all"""


async def submit(batch: Batch, under_way: UnderWay) -> None:
    """Note that a batch is wanted, then have it made."""
    with anyio.CancelScope(shield=True):
        await under_way.shared.journal.commit(batches.WANT, batch.wanted())
        under_way.open[batch.mark] = batch
    await _make(batch, under_way)


async def reconcile(under_way: UnderWay) -> None:
    """Find the batches that an earlier run wanted. One that was never made is forgotten: the walk parks anew.

    What it holds may have been answered or edited since, and somebody may want all batches cancelled.
    """
    for batch in [one for one in under_way.open.values() if not one.id]:
        if (state := await _found(batch, under_way)) is not None:
            await _submitted(batch, state, under_way)
        else:
            await under_way.refused(batch, "it was never made")


async def _make(batch: Batch, under_way: UnderWay) -> None:
    """Have it made; a run that is to end does not wait for it: the next one looks for the mark."""
    api, path = under_way.apis[batch.name], under_way.parked.path(batch.mark)
    progress = under_way.shared.progress
    progress.waits = f"submitting a batch of {counted(batch.total, 'request')}"
    for wait in (*WAITS, None):
        try:
            state = await api.submit(path, batch.mark, batch.api)
        except Fault as fault:
            progress.waits = f"a batch cannot be submitted yet: {fault}"
            found = None if fault.billed is Billed.NO else await _found(batch, under_way)
            if found is not None:
                await _submitted(batch, found, under_way)
                return
            if fault.billed is Billed.NO and fault.fate is not Fate.RETRY:
                await under_way.refused(batch, str(fault))
                raise stopped(fault, under_way.shared) from None
            if wait is None:
                raise stopped(fault, under_way.shared) from None
            await anyio.sleep(min(fault.wait or wait, LONGEST))
        else:
            await _submitted(batch, state, under_way)
            return


async def _found(batch: Batch, under_way: UnderWay) -> BatchState | None:
    """The batch, where the server has made it although it did not say so."""
    shared = under_way.shared
    settled = shared.clock.at(shared.now()) - batch.made > SETTLED
    for wait in LOOKS[:1] if settled else LOOKS:
        await anyio.sleep(wait)
        try:
            state = await under_way.apis[batch.name].find(batch.mark)
        except Fault as fault:  # it stays wanted: the next run looks for it again
            raise stopped(fault, shared) from None
        if state is not None:
            return state
    return None


async def _submitted(batch: Batch, state: BatchState, under_way: UnderWay) -> None:
    batch.id, batch.state, batch.status = state.id, "submitted", state.status
    with anyio.CancelScope(shield=True):
        await under_way.keep(batch)
    shared = under_way.shared
    shared.progress.waits = ""
    shared.events.info("batch.submitted", batch=batch.id, model=batch.name, requests=batch.total)
    shared.say(f"batch {batch.id} submitted: {counted(batch.total, 'request')} to {batch.name}")
