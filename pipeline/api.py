"""The same commands from Python, for notebooks and schedulers: a plain form and an async form of each.

The plain forms may be called where an event loop is running already (a notebook): they then work in a
thread of their own. The command line is a thin layer over this.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from threading import Thread
from typing import TypeVar

import anyio

from pipeline.core.progress import Progress
from pipeline.job.load import load
from pipeline.job.spec import Job
from pipeline.records.opening import Rows
from pipeline.runs.frozen import Frozen, frozen_async
from pipeline.runs.pilot import Pilot
from pipeline.runs.plan import plan_async
from pipeline.runs.result import Plan, Result
from pipeline.runs.run import export_async, pilot_async, run_async
from pipeline.runs.state import Wish
from pipeline.runs.tuning.export import hand_on_async
from pipeline.runs.tuning.files import Handed, Wanted
from pipeline.runs.tuning.finetune import Agree
from pipeline.runs.tuning.finetune import finetune as make_model
from pipeline.runs.tuning.state import Order, Tuned

__all__ = ["export", "export_async", "load", "pilot", "pilot_async", "plan", "plan_async", "run", "run_async"]

T = TypeVar("T")


def run(
    job: Job,
    records: Rows | None = None,
    *,
    progress: Progress | None = None,
    say: Callable[[str], None] | None = None,
    wish: Wish | None = None,
) -> Result:
    """Run a job to its end and write its table: `run_async` for plain code, with the same exceptions.

    `records` is a polars frame, or a list of dicts, to use instead of the file that the job names; `progress`
    can be watched from another thread while it goes on, `say` is given each sentence for the reader.
    """
    return _waited(partial(run_async, job, records, progress=progress, say=say, wish=wish))


def pilot(
    job: Job,
    records: Rows | None = None,
    *,
    n: int,
    progress: Progress | None = None,
    say: Callable[[str], None] | None = None,
    until: float | None = None,
) -> Pilot:
    """Really run `n` records and say what the rest will cost: `pilot_async` for plain code."""
    return _waited(partial(pilot_async, job, records, n=n, progress=progress, say=say, until=until))


def plan(job: Job, records: Rows | None = None, *, retry_failed: bool = False) -> Plan:
    """What a run would send, by step. Nothing is sent."""
    return _waited(partial(plan_async, job, records, retry_failed=retry_failed))


def export(job: Job, records: Rows | None = None) -> Result:
    """Write the table from what is answered so far. Nothing is sent."""
    return _waited(partial(export_async, job, records))


def hand_on(job: Job, step: str, wishes: Sequence[Wanted]) -> list[Handed]:
    """Write the accepted answers of a step into files for fine-tuning. Nothing is sent."""
    return _waited(partial(hand_on_async, job, step, wishes))


def finetune(job: Job, order: Order, agree: Agree, say: Callable[[str], None] = lambda _: None) -> Tuned:
    """Make a model of a step's accepted answers at the endpoint of one of the job's models. It costs money.

    `agree` is told what is trained, and raises where that is not wanted.
    """
    return make_model(job, order, partial(hand_on, job), agree, say)


def frozen(job: Job) -> Frozen:
    """Whether the translated documents are as a run would write them now. Nothing is sent or written."""
    return _waited(partial(frozen_async, job))


def _waited(work: Callable[[], Awaitable[T]]) -> T:
    return _in_a_thread(work) if _loop_is_running() else anyio.run(work)


def _loop_is_running() -> bool:
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True


def _in_a_thread(work: Callable[[], Awaitable[T]]) -> T:
    """Run in a loop of its own; after an interrupt, sent requests are finished, and nothing new is sent."""
    outcome: list[T] = []
    errors: list[BaseException] = []
    stop: list[Callable[[], object]] = []

    async def cancellable() -> None:
        with anyio.CancelScope() as scope:
            loop = asyncio.get_running_loop()
            stop.append(partial(loop.call_soon_threadsafe, scope.cancel))
            outcome.append(await work())

    def target() -> None:
        try:
            anyio.run(cancellable)
        except BaseException as error:
            errors.append(error)

    thread = Thread(target=target, name="pipeline", daemon=True)
    thread.start()
    try:
        thread.join()
    except KeyboardInterrupt:
        for call in stop:
            call()
        thread.join()
        raise
    if errors:
        raise errors[0]
    return outcome[0]
