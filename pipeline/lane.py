"""The order of the guards, written down once, with a line of reason each.

From outside in:

1. *recalled*: what the journal knows costs nothing, not even a place in a queue.
2. *substituted*: another model is asked only when all tries with this one are over.
3. *retried*: outside the queue, so that who backs off holds no place in it.
4. *impatient*: where another model may be asked, nobody waits for one that is down.
5. *spread*: each try may go to another endpoint of the model.
6. *queued*: one lane per endpoint and account; a place is held until the reply is on the disk, so a kill
   repeats at most as many requests as were under way.
7. *fused*: the last look before money is spent, and the first to hear of a fatal fault.
8. *mortal*: a fault that is one endpoint's own ends the endpoint before it ends the run.
9. *shielded*: what was sent is seen to its end, whoever cancels the walk.
10. *observed*: counts what really goes out.
11. *recorded*: next to the provider, so that no guard can lose a reply.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial

from pipeline.domain import Call, Fault, Reply, Request
from pipeline.domain import Told as ToldLimits
from pipeline.estimate import Estimator
from pipeline.guards.fused import Fuse, fused
from pipeline.guards.impatient import impatient
from pipeline.guards.observed import observed
from pipeline.guards.queued import Turnstile, queued
from pipeline.guards.recalled import Flight, recalled
from pipeline.guards.recorded import recorded
from pipeline.guards.retried import retried
from pipeline.guards.shielded import shielded
from pipeline.guards.spread import Endpoint, Endpoints, mortal, spread
from pipeline.guards.substituted import substituted
from pipeline.job import Limits, Model
from pipeline.journal import Journal
from pipeline.limits._base import End, Expected, Limit, Ticket
from pipeline.limits.breaker import Breaker
from pipeline.limits.budget import Budgeted, Purse
from pipeline.limits.cooldown import Cooldown
from pipeline.limits.deadline import Deadline
from pipeline.limits.finder import Finder
from pipeline.limits.hours import OpenHours
from pipeline.limits.pace import DAY, MINUTE, Pace
from pipeline.limits.pause import Pause
from pipeline.limits.width import Width
from pipeline.log import Events
from pipeline.tally import Tally
from pipeline.toll import Toll
from pipeline.wallclock import WallClock, hours_of

FILLING = 0.5
"""seconds that an answer takes at least for the bucket to have filled meanwhile"""
SPARED = 3
"""requests that are left alone of those a server says are left: its word is a little old"""


@dataclass
class Shared:
    """What all lanes of a run have in common."""

    journal: Journal
    fuse: Fuse
    events: Events
    tally: Tally
    purse: Purse
    clock: WallClock
    say: Callable[[str], None]
    pause: Pause = field(default_factory=Pause)
    deadline: float | None = None
    """Unix time at which all should have ended"""
    usual_seconds: float = 0.0
    """that an answer took in earlier runs, or is thought to take"""
    flights: dict[bytes, Flight] = field(default_factory=dict)
    lanes: list[Lane] = field(default_factory=list)

    def now(self) -> float:
        """Seconds on the loop's clock; only inside the loop."""
        return asyncio.get_running_loop().time()

    def pump(self) -> None:
        """Let every lane look again at what holds it up."""
        for lane in self.lanes:
            lane.turnstile.pump()


class Told(Limit):
    """Hears what the server's headers say of the limits that the job leaves open."""

    def __init__(self, lane: Lane) -> None:
        self._lane = lane
        self._sent = self._since = self._most_left = 0
        self._number: dict[Ticket, int] = {}
        self._refused = False

    def _use_what_is_left(self, ticket: Ticket, told: ToldLimits, now: float) -> None:
        """Send at once what a bucket has left: what it had when the request came, filled up since, less

        what was sent since. No refusal has shown yet that others use it, too.
        """
        if told.left is None or told.rpm is None or self._refused or now - ticket.sent < FILLING:
            return
        self._most_left = max(self._most_left, told.left + 1)
        filled = told.left + told.rpm / MINUTE * (now - ticket.sent)
        self._lane.rpm.grant(now, min(filled, self._most_left) - self._since - SPARED)

    def take(self, ticket: Ticket, now: float) -> None:
        """Count it, to know later how many were sent after it."""
        self._sent += 1
        self._number[ticket] = self._sent

    def settle(self, ticket: Ticket, end: End, now: float) -> None:
        """Follow the headers of a reply or a refusal."""
        self._since = self._sent - self._number.pop(ticket, 0)
        if isinstance(end, Fault) and end.kind == "rate_limited" and not self._refused:
            self._refused = self._lane.rpm.strict = self._lane.tpm.strict = True
        if end is not None and end.told is not None:
            lane, limits = self._lane, self._lane.limits
            if limits.rpm is None and end.told.rpm is not None:
                lane.finder.know(end.told.rpm)
                self._use_what_is_left(ticket, end.told, now)
            if limits.tpm is None and _is_possible(end.told.tpm, end):
                lane.tpm.limit = end.told.tpm
            if limits.rpd is None and end.told.rpd is not None:
                lane.rpd.limit = end.told.rpd
        lane = self._lane
        lane.width.paced = lane.rpm.rate is not None or lane.tpm.limit is not None
        if isinstance(end, Reply) and end.answer is not None:
            lane.estimator.learn(ticket.request, end.answer.usage)


class Lane:
    """One endpoint, account and model: its limits, and the turnstile that asks them."""

    def __init__(self, name: str, limits: Limits, toll: Toll, shared: Shared) -> None:
        self.name = name
        self.model = ""
        self.where = name
        """the lane as errors call it"""
        self.own: frozenset[str] = frozenset()
        self.limits = limits
        self.toll = toll
        self.estimator = Estimator()
        self.rpm = Pace("rpm", limits.rpm)
        self.rpd = Pace("rpd", limits.rpd, DAY)
        self.tpm = Pace("tpm", limits.tpm, amount=_tokens, usual=_usual, used=_used)
        self.finder = Finder(self.rpm)
        self.width = (
            Width(limits.concurrency)
            if isinstance(limits.concurrency, int)
            else Width.auto(most=limits.most_at_once)
        )
        self.width.paced = limits.rpm is not None or limits.tpm is not None
        self.cooldown = Cooldown(
            limits.outage, lambda until: shared.say(_asked_to_wait(name, until, shared.clock))
        )
        self.breaker = Breaker(limits.outage)
        self.budgeted = Budgeted(shared.purse, toll)
        self.hours = OpenHours(hours_of(limits.hours), shared.clock) if limits.hours else None
        self.turnstile = Turnstile(
            name,
            list(self._limits(shared)),
            self.estimator.expect,
            doubt=lambda: self.breaker.opened is not None,
        )
        shared.lanes.append(self)

    def _limits(self, shared: Shared) -> Iterator[Limit]:
        yield shared.pause
        if self.hours is not None:
            yield self.hours
        if shared.deadline is not None:
            yield Deadline(shared.deadline, shared.clock, shared.usual_seconds)
        yield from (self.cooldown, self.breaker, self.budgeted, self.width, self.rpm, self.tpm, self.rpd)
        yield from (self.finder, Told(self))

    def unwell(self, now: float) -> float:
        """Seconds that nobody may ask here: it cools down, rests, is closed, or its day is used up.

        A server that is down is well when its next probe is due.
        """
        closed = self.hours.delay(_ANYBODY, now) if self.hours is not None else 0.0
        used_up = self.rpd.delay(_ANYBODY, now)
        return max(self.breaker.resting(now), self.cooldown.until - now, closed, used_up)

    def state(self, now: float) -> str:
        """What keeps everybody from asking here, in a word; '' where nothing does."""
        if self.turnstile.closed:
            return "out"
        if self.breaker.opened is not None:
            return "down"
        return "cooling down" if self.cooldown.until > now else ""

    def refit(self, limits: Limits) -> None:
        """Take other limits while the run goes on; what was reserved stays reserved."""
        before, self.limits = self.limits, limits
        if limits.rpm != before.rpm:
            self.finder.know(limits.rpm)
        if limits.tpm != before.tpm:
            self.tpm.limit = limits.tpm
        if limits.rpd != before.rpd:
            self.rpd.limit = limits.rpd
        if limits.concurrency != before.concurrency:
            self.width.set(limits.concurrency or "auto")
        self.turnstile.pump()


_ANYBODY = Ticket(Request("", "", b""), lambda _: Expected(0, 0, 0), 0.0)


def _tokens(ticket: Ticket) -> float:
    return ticket.expected.tokens


def _usual(ticket: Ticket) -> float:
    return ticket.expected.usual


def _used(reply: Reply) -> float | None:
    usage = reply.answer.usage if reply.answer else None
    return usage.input + usage.output if usage and (usage.input or usage.output) else None


def _is_possible(tpm: int | None, end: Reply | Fault) -> bool:
    """Whether a server may mean the limit that it tells: not one that its own reply is above."""
    used = _used(end) if isinstance(end, Reply) else None
    return tpm is not None and tpm >= (used or 0)


def _asked_to_wait(name: str, until: float, clock: WallClock) -> str:
    return f"{name}: the server asks to wait until {clock.local(until):%H:%M:%S}"


def guarded(
    model: Model, sends: list[tuple[Lane, float, Call]], shared: Shared, instead: Call | None
) -> Call:
    """A model's call with all guards around it. `sends` are its lanes with weight and the provider's call."""
    endpoints = Endpoints(shared.say)
    for lane, weight, send in sends:
        member = Endpoint(lane.name, weight, lane.turnstile, lane.unwell)
        endpoints.members.append(member)
        if len(sends) > 1:
            lane.turnstile.relief.append(partial(endpoints.relieve, member))
        call = observed(
            recorded(send, shared.journal, lane.toll, lane.estimator.expect),
            lane.toll,
            shared.events,
            shared.tally,
        )
        call = fused(mortal(shielded(call), member, endpoints), shared.fuse, lane.where)
        member.call = queued(call, lane.turnstile)
    after = model.fallback.after if model.fallback else None
    call = spread(endpoints)
    if instead is not None:
        call = impatient(call, [(lane.turnstile, lane.breaker) for lane, _, _ in sends])
    call = retried(call, model.limits, after, shared.events, shared.tally, shared.journal.has_answers())
    if instead is not None:
        call = substituted(call, instead, shared.events)
    return recalled(call, shared.journal, shared.tally, shared.flights)
