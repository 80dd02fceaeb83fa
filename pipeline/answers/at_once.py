"""Several things of one step at once, where a run sends requests; one after the other, where nothing is sent.

A walk that asks the journal alone steps through its coroutines by hand, so no task may be begun in it. This
module does not know what is done.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar

import anyio

from pipeline.core.domain import Fault

_AT_ONCE: ContextVar[bool] = ContextVar("at_once", default=False)


@contextmanager
def at_once() -> Iterator[None]:
    """Let `all_of` begin tasks in here."""
    before = _AT_ONCE.set(True)
    try:
        yield
    finally:
        _AT_ONCE.reset(before)


async def all_of(jobs: Sequence[Callable[[], Awaitable[object]]]) -> None:
    """Do all of them; the first fault is raised when all have ended."""
    faults: list[Fault] = []

    async def do(job: Callable[[], Awaitable[object]]) -> None:
        try:
            await job()
        except Fault as fault:
            faults.append(fault)

    if _AT_ONCE.get() and len(jobs) > 1:
        async with anyio.create_task_group() as group:
            for job in jobs:
                group.start_soon(do, job)
    else:
        for job in jobs:
            await do(job)
    if faults:
        raise faults[0]
