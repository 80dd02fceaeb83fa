"""At most so many requests are under way at once, first come, first served."""

from __future__ import annotations

import anyio

from pipeline.domain import Call, Reply, Request


def slotted(call: Call, concurrency: int) -> Call:
    """A call that waits for one of `concurrency` slots."""
    slots = anyio.Semaphore(concurrency, fast_acquire=True)

    async def ask(request: Request) -> Reply:
        async with slots:
            return await call(request)

    return ask
