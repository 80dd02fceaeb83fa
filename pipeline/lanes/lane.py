"""One lane, and the order of the guards, written down once, with a line of reason each.

From outside in:

1. `lookup`: what the journal knows costs nothing, not even a slot.
   `park`: what goes by batch ends here; no other guard sees it.
2. `fallback`: another model is asked only when all tries with this one are over.
3. `retry`: outside the queue, so a request that waits for its next try holds no slot.
4. `skip_if_down`: where another model may be asked, no request waits for a model that is down.
5. `tiers`: each try goes out in the service tier of its lane at that moment. Where the tier has no room, it
   waits outside the queue, and inside `retry`: that uses up no try.
6. `balance`: each try may go to another endpoint of the model.
7. `count`: where a budget depends on tokens and the encoding is known, a request is counted exactly first.
8. `enqueue`: one queue for each endpoint and account. A slot is held until the reply is on the disk, so a
   kill repeats at most as many requests as were under way.
9. `with_fuse`: the last look before money is spent, and the first to hear of a fatal fault.
10. `close_on_fault`: a fault that is one endpoint's own ends the endpoint before it ends the run.
11. `shield`: a request that was sent is finished, even if its walk is cancelled.
12. `observe`: counts what really goes out.
13. `record`: next to the provider, so that no guard can lose a reply. It asks `verdict` what a fault means.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from functools import partial
from operator import attrgetter

from pipeline.core.clock import Clock, hours_of
from pipeline.core.contracts import Provider
from pipeline.core.domain import Call, Request
from pipeline.core.progress import Progress
from pipeline.job.models import Limits, Model
from pipeline.journal.events import Events
from pipeline.journal.journal import Journal
from pipeline.lanes.guards.balance import Endpoint, Endpoints, balance, close_on_fault
from pipeline.lanes.guards.count import count
from pipeline.lanes.guards.fallback import fallback, skip_if_down
from pipeline.lanes.guards.fuse import Fuse, with_fuse
from pipeline.lanes.guards.lookup import Flight, lookup
from pipeline.lanes.guards.observe import observe
from pipeline.lanes.guards.park import Parking, park
from pipeline.lanes.guards.queue import Queue, enqueue
from pipeline.lanes.guards.record import record, shield
from pipeline.lanes.guards.retry import retry
from pipeline.lanes.guards.tiers import tiers
from pipeline.lanes.guards.verdict import Verdict
from pipeline.lanes.limits.advertised import Advertised
from pipeline.lanes.limits.budget import Budgeted
from pipeline.lanes.limits.circuit_breaker import CircuitBreaker
from pipeline.lanes.limits.concurrency import HERE, START, Concurrency
from pipeline.lanes.limits.cooldown import Cooldown
from pipeline.lanes.limits.deadline import Deadline
from pipeline.lanes.limits.hours import OpenHours
from pipeline.lanes.limits.limit import Limit, Ticket
from pipeline.lanes.limits.pause import Pause
from pipeline.lanes.limits.rate import DAY, Rate, used_tokens
from pipeline.lanes.limits.rate_finder import RateFinder
from pipeline.money.budget import Budget
from pipeline.money.estimate import Estimator, Expected
from pipeline.money.tariff import Tariff
from pipeline.money.tokens import encoding


def _connect(provider: Provider, model: Model) -> AbstractAsyncContextManager[Call]:
    return provider.connect(model)


@dataclass
class Shared:
    """What all lanes of a run have in common."""

    journal: Journal
    fuse: Fuse
    events: Events
    progress: Progress
    budget: Budget
    clock: Clock
    say: Callable[[str], None]
    pause: Pause = field(default_factory=Pause)
    deadline: float | None = None
    """Unix time at which all should have ended"""
    usual_seconds: float = 0.0
    """seconds that an answer took in earlier runs, or is assumed to take"""
    lane_of: Callable[[str], str] = lambda _: "sync"
    """for the name of a model in the job: how it is asked at this moment, sync, flex or batch"""
    parking: Parking | None = None
    """where requests wait for batches; None where nothing goes by batch"""
    flights: dict[bytes, Flight] = field(default_factory=dict)
    lanes: list[Lane] = field(default_factory=list)
    connect: Callable[[Provider, Model], AbstractAsyncContextManager[Call]] = _connect
    """how a provider is asked for a call: other processes may send for this one"""

    def now(self) -> float:
        """Seconds on the loop's clock; only inside the loop."""
        return asyncio.get_running_loop().time()

    def pump(self) -> None:
        """Let every lane look again at what holds it up."""
        for lane in self.lanes:
            lane.queue.pump()


class Lane:
    """One endpoint, account and model: its limits, and the queue that asks them."""

    def __init__(
        self, name: str, limits: Limits, tariff: Tariff, shared: Shared, *, here: bool = False
    ) -> None:
        self.name = name
        self.model = ""
        self.where = name
        """the lane as errors call it"""
        self.own: frozenset[str] = frozenset()
        self.limits = limits
        self.clock = shared.clock
        self.tariff = tariff
        self.estimator = Estimator()
        self.rpm = Rate("rpm", limits.rpm)
        self.rpd = Rate("rpd", limits.rpd, DAY)
        self.tpm = Rate("tpm", limits.tpm, amount=_TOKENS, usual=_USUAL, used=used_tokens)
        self.rate_finder = RateFinder(self.rpm)
        self.concurrency = (
            Concurrency(limits.concurrency)
            if isinstance(limits.concurrency, int)
            else Concurrency.auto(HERE if here else START, limits.most_at_once, limits.timeout)
        )
        self.concurrency.paced = limits.rpm is not None or limits.tpm is not None
        self.cooldown = Cooldown(
            limits.outage, lambda until: shared.say(_asked_to_wait(name, until, shared.clock))
        )
        self.circuit_breaker = CircuitBreaker(limits.outage)
        self.verdict = Verdict(
            self._is_well,
            lambda: self.queue.waiting,
            lambda: self.queue.waiting - self.queue.repeating,
            lambda: self.queue.last_first(),
        )
        self.budgeted = Budgeted(shared.budget, tariff)
        self.hours = OpenHours(hours_of(limits.hours), shared.clock) if limits.hours else None
        rates = (self.rpm, self.tpm, self.rpd)
        self.advertised = Advertised(limits, rates, self.rate_finder, self.concurrency, self.estimator)
        self.queue = Queue(
            name,
            list(self._limits(shared)),
            self.estimator.expect,
            doubt=lambda: not self._is_well() or self.verdict.in_doubt,
        )
        shared.lanes.append(self)

    def _limits(self, shared: Shared) -> Iterator[Limit]:
        yield shared.pause
        if self.hours is not None:
            yield self.hours
        if shared.deadline is not None:
            yield Deadline(shared.deadline, shared.clock, shared.usual_seconds)
        yield from (self.cooldown, self.circuit_breaker, self.verdict, self.budgeted, self.concurrency)
        yield from (self.rpm, self.tpm, self.rpd, self.rate_finder, self.advertised)

    def _is_well(self) -> bool:
        return self.circuit_breaker.opened is None and not self.cooldown.stubborn

    def unwell(self, now: float) -> float:
        """Seconds until something may be sent: it cools down, rests, is closed, or its day is used up.

        A lane whose server is down counts as well when the next probe is due.
        """
        closed = self.hours.delay(_ANYBODY, now) if self.hours is not None else 0.0
        used_up = self.rpd.delay(_ANYBODY, now)
        return max(self.circuit_breaker.resting(now), self.cooldown.until - now, closed, used_up)

    def state(self, now: float) -> str:
        """Why nothing may be sent here, in a word; '' where something may."""
        if self.queue.closed:
            return "out"
        if self.circuit_breaker.opened is not None:
            return "down"
        return "cooling down" if self.cooldown.until > now else ""

    def refit(self, limits: Limits) -> None:
        """Take other limits while the run goes on; what was reserved stays reserved.

        It does not wake the queue: the caller lets the queues look again, once after all changes.
        """
        before, self.limits = self.limits, limits
        self.advertised.limits = limits
        if limits.rpm != before.rpm:
            self.rate_finder.know(limits.rpm)
        if limits.tpm != before.tpm:
            self.tpm.limit = limits.tpm
        if limits.rpd != before.rpd:
            self.rpd.limit = limits.rpd
        if limits.concurrency != before.concurrency:
            self.concurrency.set(limits.concurrency or "auto")


_ANYBODY = Ticket(Request("", "", b""), lambda _: Expected(0, 0, 0), 0.0)
_TOKENS, _USUAL = attrgetter("expected.tokens"), attrgetter("expected.usual")


def _asked_to_wait(name: str, until: float, clock: Clock) -> str:
    return f"{name}: the server asks to wait until {clock.local(until):%H:%M:%S}"


def guarded(
    model: Model, sends: list[tuple[Lane, float, Call]], shared: Shared, instead: Call | None, name: str = ""
) -> Call:
    """A model's call with all guards around it; `name` is the model's in the job.

    `sends` are its lanes with weight and the provider's call.
    """
    endpoints = Endpoints(shared.say)
    for lane, weight, send in sends:
        member = Endpoint(lane.name, weight, lane.queue, lane.unwell)
        endpoints.members.append(member)
        if len(sends) > 1:
            lane.queue.relief.append(partial(endpoints.relieve, member))
        call = record(send, shared.journal, lane.tariff, lane.estimator.expect, lane.verdict)
        call = observe(call, shared.events, shared.progress, lane.tariff.dearer)
        call = with_fuse(close_on_fault(shield(call), member, endpoints), shared.fuse, lane.where)
        call = enqueue(call, lane.queue)
        exact = shared.budget.counts_tokens and encoding(lane.model)
        member.call = count(call, lane.estimator) if exact else call
    after = model.fallback.after if model.fallback else None
    call = balance(endpoints)
    if model.lane != "sync":
        call = tiers(call, lambda: shared.lane_of(name), name, shared.say, shared.progress)
    if instead is not None:
        call = skip_if_down(call, [(lane.queue, lane.circuit_breaker) for lane, _, _ in sends])
    call = retry(call, model.limits, after, shared.events, shared.progress, shared.journal.has_answers())
    if instead is not None:
        call = fallback(call, instead, shared.events)
    if shared.parking is not None:
        lane = sends[0][0]
        call = park(call, shared.parking, name, lane.tariff, lane.estimator)
    return lookup(call, shared.journal, shared.progress, shared.flights)
