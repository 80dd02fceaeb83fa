"""What a batch has brought, line by line into the journal: each answer once, under its own request.

A line is recorded by the same guard as any other reply, so it is on the disk before it is used, and costs
what its usage says. Lines may be doubled, cut, blank, missing or in another order. This module does not know
servers.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import anyio

from pipeline.core.contracts import BatchState
from pipeline.core.domain import BATCH, NO_TOKENS, Billed, Call, Fate, Fault, Reply, Request
from pipeline.core.redaction import redacted
from pipeline.journal import batches
from pipeline.journal.batches import Batch, Line
from pipeline.lanes.guards.observe import observe
from pipeline.lanes.guards.record import record
from pipeline.lanes.lane import Lane, Shared
from pipeline.money.budget import Spent
from pipeline.runs.night.parking import Parked
from pipeline.wire.batching import LineBack, read_line
from pipeline.wire.conversation import read
from pipeline.wire.faults import error_of, fault_of

AT_ONCE = 256
"""lines that are recorded together"""
BYTES_AT_ONCE = 8 << 20
"""bytes of lines, from which on fewer are"""
NOT_SENT = 0
"""the status of a line whose request the server never worked on"""
_OK = range(200, 300)


@dataclass
class Brought:
    """How many of a batch's requests were answered, failed, and were never worked on."""

    answered: int = 0
    failed: int = 0
    missing: int = 0


class Collector:
    """Takes the lines of one batch into the journal."""

    def __init__(
        self, batch: Batch, lane: Lane, shared: Shared, parked: Parked, *, fallback: bool = False
    ) -> None:
        self._fallback = fallback
        self._batch, self._parked, self._journal = batch, parked, shared.journal
        self._lane, self._shared = lane, shared
        self._back: dict[bytes, LineBack] = {}
        call = record(self._reply, shared.journal, lane.tariff, lane.estimator.expect)
        self._call: Call = observe(call, shared.events, shared.progress)
        self.brought = Brought()
        path = parked.path(batch.mark)
        self._submitted = path.open("rb") if path.is_file() else None
        self._early = False  # whether the batch ended before it had worked on all requests

    def close(self) -> None:
        """Close the file that was submitted."""
        if self._submitted is not None:
            self._submitted.close()

    async def take(self, results: Path, state: BatchState) -> Brought:
        """Record every line that is good for something.

        A request without a line may have been billed, where the server says that it worked on all of them,
        or on more than there are lines for.
        """
        seen: set[bytes] = set()
        worked_on = 0
        self._early = state.status in ("expired", "cancelled")
        for some in _read(results):
            fresh: dict[bytes, LineBack] = {}
            for one in some:  # of two lines for one request, an answer counts
                if one.digest not in seen and (one.digest not in fresh or one.back.status in _OK):
                    fresh[one.digest] = one.back
            known = batches.lines_for(self._journal.select, self._batch.mark, list(fresh))
            there = batches.brought(self._journal.select, self._batch, list(fresh))
            seen |= known.keys()
            worked_on += sum(fresh[digest].status != NOT_SENT for digest in known)
            self._back = fresh
            async with anyio.create_task_group() as group:
                for digest, line in known.items():
                    if digest not in there:
                        group.start_soon(self._one, line)
        lost = state.status == "completed" or worked_on < state.done + state.failed
        await self._rest(seen, lost)
        return self.brought

    async def _one(self, line: Line) -> None:
        """One line: an answer, or a fault that is noted."""
        back = self._back[line.digest]
        if back.status == NOT_SENT:
            self.brought.missing += 1
            if not self._early:  # it counts, or it would go in one batch after the other
                request = self._request(line)
                why = ": ".join(filter(None, error_of(back.body))) or "the batch gave no reason"
                fault = redacted(Fault("not_done", why, fate=Fate.RETRY), request.private)
                self._journal.note(request, fault, 0.0)
            return
        request = self._request(line)
        if self._journal.was_paid(line.digest):  # it was answered in another way meanwhile
            await self._late(request, back)
            return
        budget = self._shared.budget
        try:
            reply = await self._call(request)
        except Fault as fault:
            self.brought.failed += 1
            free = fault.billed is Billed.NO
            budget.spent.add(Spent(requests=1) if free else Spent(line.cost, line.tokens, 1))
            if fault.fate is not Fate.RETRY and self._fallback:
                self._parked.alone.add(line.digest)  # another model may be asked then
            elif fault.fate is not Fate.RETRY:
                self._parked.fail(request, fault)
        else:
            self.brought.answered += 1
            usage = reply.answer.usage if reply.answer else NO_TOKENS
            cost = line.cost if reply.cost is None else reply.cost
            real = Spent(cost, usage.input + usage.output or line.tokens, 1)
            budget.spent.add(real)
            budget.good.add(real)
            self._lane.estimator.learn(request, usage)

    async def _late(self, request: Request, back: LineBack) -> None:
        if back.status not in _OK:
            return
        reply = Reply(request.api, back.body)
        try:
            charge = self._lane.tariff.charge(read(reply), request, self._lane.estimator.expect)
        except Fault:
            return
        await self._journal.record(request, reply, charge.usage, charge.cost, outcome="superseded")

    async def _rest(self, seen: set[bytes], lost: bool) -> None:
        """The requests without a line: if lines are `lost`, any of them may have been billed."""
        for line in batches.lines_of(self._journal.select, self._batch.mark):
            if line.digest in seen:
                continue
            self.brought.missing += 1
            if lost:
                self._maybe_billed(line, "the batch brought no line for this request")
        await self._journal.settle()

    async def lost(self, why: str) -> Brought:
        """Note for all requests that they may have been billed."""
        for line in batches.lines_of(self._journal.select, self._batch.mark):
            self.brought.missing += 1
            self._maybe_billed(line, why)
        await self._journal.settle()
        return self.brought

    def _maybe_billed(self, line: Line, why: str) -> None:
        if self._journal.was_paid(line.digest):
            return
        fault = Fault("missing_line", why, fate=Fate.RETRY, billed=Billed.MAYBE)
        self._journal.note(self._request(line), fault, 0.0, line.cost)
        self._shared.progress.fault(fault, line.step, line.record)
        for spent in (self._shared.budget.spent, self._shared.budget.maybe):
            spent.add(Spent(line.cost, line.tokens, 1))

    def _request(self, line: Line) -> Request:
        """The request of a line, with the body that was submitted, where the file is still there."""
        body = b"{}"
        if self._submitted is not None:
            self._submitted.seek(line.start)
            body = self._submitted.read(line.length)
        request = Request(
            self._batch.api,
            self._batch.model,
            body,
            line.step,
            line.record,
            endpoint=self._batch.endpoint,
            private=self._parked.private.get(line.digest, ()),
            tier=BATCH,
        )
        object.__setattr__(request, "_digest", line.digest)  # its draw is in it, and is not known any more
        return request

    async def _reply(self, request: Request) -> Reply:
        """The reply in the line of a request, as if it had been asked for by itself."""
        back = self._back[request.digest]
        if back.status not in _OK:
            raise _unpaid(fault_of(back.status, {}, back.body))
        return Reply(request.api, back.body)


def _unpaid(fault: Fault) -> Fault:
    """The same fault. A line that failed inside of a batch is not billed, whatever its status."""
    return fault.but(billed=Billed.NO, wait=None)


@dataclass(frozen=True, slots=True)
class _Found:
    digest: bytes
    back: LineBack


def _read(results: Path) -> Iterator[list[_Found]]:
    """The lines of a file that can be understood, some at a time."""
    found: list[_Found] = []
    size = 0
    with results.open("rb") as file:
        for raw in file:
            size += len(raw)
            back = read_line(raw)
            digest = None if back is None else _digest(back.id)
            if back is not None and digest is not None:
                found.append(_Found(digest, back))
            if len(found) == AT_ONCE or size >= BYTES_AT_ONCE:
                yield found
                found, size = [], 0
    if found:
        yield found


def _digest(name: str) -> bytes | None:
    try:
        return bytes.fromhex(name)
    except ValueError:
        return None
