"""A model's guarded call over a scripted server in this process, on a clock that tests turn."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import anyio

from pipeline.core.clock import Clock
from pipeline.core.domain import Call, Fault, Reply, Request, Usage
from pipeline.core.progress import Progress
from pipeline.job.models import Limits, Model
from pipeline.job.spec import BudgetSpec
from pipeline.journal.journal import Journal
from pipeline.lanes.guards.fuse import Fuse
from pipeline.lanes.guards.record import record
from pipeline.lanes.lane import Lane, Shared, guarded
from pipeline.money.budget import Budget
from pipeline.money.estimate import Estimator
from pipeline.money.tariff import Tariff
from pipeline.providers.scripted import caller
from pipeline.testing.ledger import Account, Ledger
from pipeline.testing.script import Script
from pipeline.testing.service import Service
from tests.support.clock import on_test_time
from tests.support.fakes import Events, asked


class MemoryJournal:
    """A journal without a disk, and so without real time: replies by digest, attempts in a list."""

    def __init__(self) -> None:
        self.replies: dict[bytes, Reply] = {}
        self.costs: list[int] = []
        self.faults: list[tuple[Request, Fault, int | None]] = []

    async def note_segments(self, request: Request) -> None:
        """Nothing: no request of these tests asks for segments."""

    def look_up(self, digests: Sequence[bytes]) -> tuple[dict[bytes, Reply], dict[bytes, Fault]]:
        faults = {request.digest: fault for request, fault, _ in self.faults if request.digest in digests}
        return {digest: self.replies[digest] for digest in digests if digest in self.replies}, faults

    async def record(
        self, request: Request, reply: Reply, usage: Usage | None = None, cost: int | None = None
    ) -> None:
        self.replies[request.digest] = reply
        self.costs.append(cost or 0)

    async def refuse(
        self, request: Request, reply: Reply, fault: Fault, cost: int | None = None, _: object = None
    ) -> None:
        self.faults.append((request, fault, cost))

    def has_answers(self) -> bool:
        return bool(self.replies)

    async def settle(self) -> None:
        """Everything is here at once."""

    def note(
        self, request: Request, fault: Fault, seconds: float, cost: int | None = None, _: object = None
    ) -> None:
        self.faults.append((request, fault, cost))


@dataclass
class Outcome:
    """What became of some requests, in their order, and how long all took in seconds of the turned clock."""

    results: list[Reply | Fault | None]
    seconds: float
    account: Account
    lane: Lane
    shared: Shared
    said: list[str] = field(default_factory=list)

    @property
    def answered(self) -> int:
        return sum(isinstance(result, Reply) for result in self.results)

    @property
    def refused(self) -> int:
        return sum(line.status == 429 for line in self.account.lines)

    @property
    def span(self) -> float:
        """Seconds from the first arrival at the server to its last bill."""
        return max(line.at for line in self.account.lines) - min(line.arrived for line in self.account.lines)


def shared_of(budget: BudgetSpec | None = None, **more: Any) -> Shared:
    """What lanes share, with nothing spent yet. Only inside a loop."""
    said: list[str] = []
    budget = Budget(budget or BudgetSpec())
    journal: Any = MemoryJournal()
    shared = Shared(
        journal, Fuse(), Events(), Progress(), budget, Clock(anyio.current_time()), said.append, **more
    )
    budget.wake = shared.pump
    return shared


def through_a_lane(
    script: Script,
    requests: Sequence[Request],
    limits: Limits,
    *,
    tariff: Tariff | None = None,
    budget: BudgetSpec | None = None,
    hands: Callable[[Lane], int] = lambda lane: 2 * lane.concurrency.width,
) -> Outcome:
    """Ask all requests, in their order, by as many hands as a run would have."""

    async def main() -> Outcome:
        shared = shared_of(budget)
        ledger = Ledger()
        lane = Lane("writer", limits, tariff or Tariff(None, free=True), shared)
        send = caller(Service(script, ledger), timeout=limits.timeout)
        call = guarded(Model(model="m", limits=limits), [(lane, 1.0, send)], shared, None)
        results: list[Reply | Fault | None] = [None] * len(requests)
        began = anyio.current_time()
        with shared.fuse.scope:
            await ask_in_turn(call, requests, results, lambda: hands(lane))
        seconds = anyio.current_time() - began
        return Outcome(results, seconds, ledger.account(), lane, shared)

    return on_test_time(main)


async def ask_in_turn(
    call: Call, requests: Sequence[Request], results: list[Reply | Fault | None], hands: Callable[[], int]
) -> None:
    """Ask all requests, in their order, by so many hands; `results` gets what became of each."""
    left = iter(range(len(requests)))
    at_work = 0

    async def work(group: Any) -> None:
        nonlocal at_work
        for i in left:
            while at_work < hands():
                at_work += 1
                group.start_soon(work, group)
            try:
                results[i] = await call(requests[i])
            except Fault as fault:
                results[i] = fault
        at_work -= 1

    async with anyio.create_task_group() as group:
        at_work = 1
        group.start_soon(work, group)


def numbered(count: int, **params: Any) -> list[Request]:
    """So many different requests."""
    return [asked(f"Write about thing {i}.", key=str(i), **params) for i in range(count)]


def around(send: Call, limits: Limits | None = None, *, shared: Shared | None = None) -> tuple[Call, Lane]:
    """A call with all guards around it, and its only lane. Only inside a loop."""
    shared = shared or shared_of()
    limits = limits or Limits(concurrency=16)
    lane = Lane("writer", limits, Tariff(None, free=True), shared)
    return guarded(Model(model="m", limits=limits), [(lane, 1.0, send)], shared, None), lane


def kept(call: Call, journal: Journal, tariff: Tariff | None = None) -> Call:
    """A call whose replies and faults are in the journal, and nothing else."""
    return record(call, journal, tariff or Tariff(None, free=True), Estimator().expect)
