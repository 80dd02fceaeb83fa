"""One model behind several endpoints or keys: the least loaded that is well gets the next request."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

import anyio

from pipeline.domain import Call, Fate, Fault, Reply, Request
from pipeline.guards.queued import Turnstile
from pipeline.limits.breaker import Breaker
from pipeline.limits.cooldown import Cooldown

ITS_OWN = frozenset(
    {"unauthorized", "forbidden", "not_found", "redirected", "out_of_quota", "outage", "refusing"}
)
"""faults that stop a run, and that another endpoint or account may not have"""


@dataclass(eq=False)
class Endpoint:
    """One place to ask: its lane, and what it has come to."""

    name: str
    weight: float
    turnstile: Turnstile
    breaker: Breaker
    cooldown: Cooldown
    call: Call | None = None
    dead: Fault | None = None

    def rank(self, now: float) -> tuple[bool, float]:
        """The lower the better: whether it is down or cooling, and its load for its weight."""
        unwell = self.breaker.opened is not None or self.cooldown.until > now
        return unwell, (self.turnstile.waiting + self.turnstile.in_flight) / self.weight


@dataclass(eq=False)
class Endpoints:
    """All endpoints of a model."""

    say: Callable[[str], None]
    members: list[Endpoint] = field(default_factory=list)

    def alive(self) -> Sequence[Endpoint]:
        """Those that have not died."""
        return [member for member in self.members if member.dead is None]

    def relieve(self, member: Endpoint, fault: Fault) -> None:
        """Send those who wait at an endpoint that is unwell to one that is well, if there is any."""
        now = anyio.current_time()
        if member.rank(now)[0] and not all(other.rank(now)[0] for other in self.alive()):
            member.turnstile.flush(fault)

    def lose(self, member: Endpoint, fault: Fault) -> Fault:
        """Hear of a fault that would stop the run. While others are left, it stops only this endpoint."""
        if fault.kind not in ITS_OWN:
            return fault
        others = [other for other in self.alive() if other is not member]
        if member.dead is None and others:
            member.dead = fault
            self.say(f"{member.name} is out: {fault}; {len(others)} left")
            member.turnstile.close(fault)
        if not others:
            return fault
        again = Fault(fault.kind, fault.message, fate=Fate.RETRY, billed=fault.billed, status=fault.status)
        again.counted = False
        return again


def mortal(call: Call, member: Endpoint, all_of: Endpoints) -> Call:
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


def spread(all_of: Endpoints) -> Call:
    """A call to whichever endpoint can take it soonest."""

    async def ask(request: Request) -> Reply:
        member = min(all_of.alive(), key=_ranked(anyio.current_time()))
        assert member.call is not None  # noqa: S101 - the lane has set it
        if len(all_of.members) == 1:
            return await member.call(request)
        try:
            return await member.call(replace(request, endpoint=member.name))
        except Fault as fault:
            all_of.relieve(member, fault)
            raise

    return ask


def _ranked(now: float) -> Callable[[Endpoint], tuple[bool, float]]:
    return lambda member: member.rank(now)
