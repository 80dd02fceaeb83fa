"""Has a batch made exactly once, whatever the server's replies are, and whenever the program is killed.

That a batch is wanted is on the disk before anything is submitted, and the batch carries a mark. Where it
is not known whether the server has made it, it is looked for by its mark before it is submitted again. A
batch that cannot be made now stays open without an id, and is tried again later. This module does not know
what is in a batch.
"""

from __future__ import annotations

import anyio

from pipeline.core.contracts import BatchState
from pipeline.core.display import counted
from pipeline.core.domain import Billed, Fate, Fault
from pipeline.core.errors import RunStopped
from pipeline.journal import batches
from pipeline.journal.batches import Batch
from pipeline.runs.night.under_way import UnderWay, stopped

LOOKS = (0.0, 1.0, 5.0, 15.0)
"""seconds before each look for a batch that may have been made"""
SETTLED = 3600.0
"""seconds after which one look is enough; an upload may take long, and the batch is made after it"""
WAITS, LONGEST = (1.0, 5.0, 30.0, 60.0), 120.0
"""seconds before each further try, where a server does not say how long to wait; and the most of all"""


async def submit(batch: Batch, under_way: UnderWay) -> None:
    """Note that a batch is wanted, then have it made; while its server is silent, that is left for later."""
    batch.message = under_way.address(batch.name)
    with anyio.CancelScope(shield=True):
        await under_way.shared.journal.commit(batches.WANT, batch.wanted())
        under_way.open[batch.mark] = batch
    if batch.name not in under_way.silent:
        await attend(batch, under_way)


async def attend(batch: Batch, under_way: UnderWay) -> None:
    """Look for a batch that may have been made; one that certainly was not is made, or else given up.

    One of an earlier run is given up: the walk parks its requests anew. They may have been answered or edited
    since, and somebody may want all batches cancelled.
    """
    if batch.unsure:
        under_way.check_address(batch)
        under_way.shared.progress.waits = "looking for a batch that may have been made"
        try:
            state = await _found(batch, under_way)
        except Fault as fault:  # it stays wanted
            under_way.failed(batch.name, fault)
            return
        if state is not None:
            await _submitted(batch, state, under_way)
            return
        batch.unsure = False
    gone_round = batch.state == "left"  # its requests were sent another way
    if gone_round or batch.earlier or under_way.closing or under_way.cancelled:
        await under_way.refused(batch, "it was never made")
    elif under_way.shared.now() >= batch.next_try:
        await _make(batch, under_way)


async def _make(batch: Batch, under_way: UnderWay) -> None:
    """Have it made; a run that is to end does not wait for it: the next one looks for the mark."""
    api, path, shared = under_way.apis[batch.name], under_way.parked.path(batch.mark), under_way.shared
    shared.progress.waits = f"submitting a batch of {counted(batch.total, 'request')}"
    batch.unsure = True  # until there is a reply
    try:
        state = await api.submit(path, batch.mark, batch.api)
    except Fault as fault:
        shared.progress.waits = f"a batch cannot be submitted yet: {fault}"
        batch.unsure = fault.billed is not Billed.NO
        if not batch.unsure and fault.fate is not Fate.RETRY:
            await under_way.refused(batch, str(fault))
            raise stopped(fault, shared) from None
        wait = min(fault.wait or WAITS[min(batch.tries, len(WAITS) - 1)], LONGEST)
        batch.tries, batch.next_try = batch.tries + 1, shared.now() + wait
        try:
            under_way.failed(batch.name, fault.but(fate=Fate.RETRY))
        except RunStopped:
            if not batch.unsure:
                await under_way.refused(batch, str(fault))
            raise
    else:
        await _submitted(batch, state, under_way)


async def _found(batch: Batch, under_way: UnderWay) -> BatchState | None:
    """The batch, where the server has made it although it did not say so."""
    shared = under_way.shared
    settled = shared.clock.at(shared.now()) - batch.made > SETTLED
    for wait in LOOKS[:1] if settled else LOOKS:
        await anyio.sleep(wait)
        state = await under_way.apis[batch.name].find(batch.mark)
        if state is not None:
            return state
    return None


async def _submitted(batch: Batch, state: BatchState, under_way: UnderWay) -> None:
    batch.id, batch.status, batch.message = state.id, state.status, ""
    batch.state, batch.unsure = "left" if batch.state == "left" else "submitted", False
    with anyio.CancelScope(shield=True):
        await under_way.keep(batch)
    shared = under_way.shared
    under_way.silent.pop(batch.name, None)
    shared.progress.waits = ""
    shared.events.info("batch.submitted", batch=batch.id, model=batch.name, requests=batch.total)
    shared.say(f"batch {batch.id} submitted: {counted(batch.total, 'request')} to {batch.name}")
