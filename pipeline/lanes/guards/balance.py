"""One model behind several endpoints or keys: the least loaded one that works gets the next request."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

import anyio

from pipeline.core.domain import Call, Fate, Fault, Reply, Request
from pipeline.lanes.guards.queue import Queue

ITS_OWN = frozenset({
    "unauthorized", "forbidden", "not_found", "redirected", "untrusted", "not_https", "proxy_refused",
    "not_an_api", "out_of_quota", "outage", "refusing",
})  # fmt: skip
"""faults that stop a run, and that another endpoint or account may not have"""


@dataclass(eq=False)
class Endpoint:
    """One place to send requests to. `call` is set when its lane is ready."""

    name: str
    weight: float
    queue: Queue
    unwell: Callable[[float], float]
    """for a time, the seconds from then on in which nothing may be sent to it"""
    call: Call | None = None

    def rank(self, now: float) -> tuple[float, float]:
        """The lower, the better: how long it is unwell, then its load with one more request by weight."""
        return self.unwell(now), (self.queue.waiting + self.queue.in_flight + 1) / self.weight


@dataclass(eq=False)
class Endpoints:
    """All endpoints of a model."""

    say: Callable[[str], None]
    members: list[Endpoint] = field(default_factory=list)

    def alive(self) -> Sequence[Endpoint]:
        """Those whose lane has not been closed; another model may have closed it."""
        return [member for member in self.members if member.queue.closed is None]

    def relieve(self, member: Endpoint, fault: Fault) -> None:
        """Move the requests that wait at an unwell endpoint to one that is well sooner, if there is any."""
        now = anyio.current_time()
        if any(other.unwell(now) < member.unwell(now) for other in self.alive()):
            member.queue.flush(fault)

    def lose(self, member: Endpoint, fault: Fault) -> Fault:
        """Take a fault that would stop the run: while other endpoints are left, it closes only this one."""
        if fault.kind not in ITS_OWN:
            return fault
        others = [other for other in self.alive() if other is not member]
        if member.queue.closed is None and others:
            self.say(f"{member.name} is not used any more: {fault}; endpoints left: {len(others)}")
            member.queue.close(fault)
        if not others:
            return fault
        return fault.but(fate=Fate.RETRY, wait=0.0)  # sent elsewhere at once; it keeps its tries


def close_on_fault(call: Call, member: Endpoint, all_of: Endpoints) -> Call:
    """A call whose fatal faults end its endpoint first, and the run only when none is left."""

    async def ask(request: Request) -> Reply:
        try:
            return await call(request)
        except Fault as fault:
            if fault.fate is not Fate.STOP:
                raise
            other = all_of.lose(member, fault)
            if other is fault:
                raise
            raise other from None

    return ask


def balance(all_of: Endpoints) -> Call:
    """A call to the endpoint that can take the request soonest."""

    async def ask(request: Request) -> Reply:
        alive = all_of.alive()
        if not alive:
            reason = next(member.queue.closed for member in all_of.members if member.queue.closed)
            raise Fault(reason.kind, reason.message, fate=Fate.STOP, status=reason.status)
        member = alive[0]
        if len(alive) > 1:
            now = anyio.current_time()
            member = min(alive, key=lambda one: one.rank(now))
        assert member.call is not None  # noqa: S101 - the lane has set it
        if len(all_of.members) == 1:
            return await member.call(request)
        try:
            return await member.call(replace(request, endpoint=member.name))
        except Fault as fault:
            all_of.relieve(member, fault)
            other = all_of.lose(member, fault) if fault.fate is Fate.STOP else fault
            if other is fault:
                raise
            raise other from None

    return ask
