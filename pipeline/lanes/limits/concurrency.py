"""How many requests are in flight at once: a fixed number, or as many as the server proves to handle.

This module does not know rates, retries or the queue.
"""

from __future__ import annotations

from collections import deque
from math import inf
from typing import Literal

from pipeline.core.domain import Fault, Reply
from pipeline.lanes.limits._growth import Growth
from pipeline.lanes.limits._refusals import Refusals
from pipeline.lanes.limits._rounds import Meter, Plan, Round, Stage
from pipeline.lanes.limits.limit import UNTIL_CHANGE, End, Limit, Ticket

START, MOST = 16, 1024
"""the width that `auto` begins with, and the largest it comes to"""
SWAMPED = 2 / 3
"""the share of a burst that is refused, above which no more are in flight at once than were not refused"""
HERE = 4
"""the width that `auto` begins with at a server on this machine, which often has one slot, and seldom many"""
FITS = 0.75
"""of the time that a request may take: the share in which a server at its capacity has to answer"""
_FAULTY = frozenset({"server_error", "disconnected", "timeout", "unreachable"})


class Concurrency(Limit):
    """Slots for requests in flight: O(1) and about two microseconds a request."""

    def __init__(
        self, fixed: int | None = None, *, start: int = START, most: int = MOST, timeout: float = inf
    ) -> None:
        self._paced = False
        self._meter = Meter()
        self._refusals = Refusals()
        self._latency = 0.0
        self._growth: Growth | None = None
        self._most = most
        self._begun = False
        self._burst = self._refused = 0
        self._timeout = timeout
        """seconds after which a request is given up"""
        self._replies: deque[float] = deque(maxlen=2 * MOST)
        """when the latest replies came"""
        self._narrowed, self._first = -inf, inf
        self._room = 0
        """the width that a rate may have which the first reply tells; 0 where it began as wide as usual"""
        self._opens = start < START
        """whether the first reply may widen it at once"""
        self.width = start
        """slots"""
        self.set("auto" if fixed is None else fixed)

    @classmethod
    def auto(cls, start: int = START, most: int = MOST, timeout: float = inf) -> Concurrency:
        """A width that is found, from `start` on and up to `most`."""
        return cls(None, start=start, most=most, timeout=timeout)

    def remember(self, rate: float, in_flight: float) -> None:
        """Begin where an earlier run was: so many answers came a second, with so many requests in flight."""
        if self._growth is not None and self._timeout < inf:
            bears = max(1, int(FITS * self._timeout * rate))
            self._restart(min(max(self.width, min(round(in_flight), START)), bears))

    def begin_with(self, slots: int) -> None:
        """Begin with as many as the server says it works on at once; from there it is found as ever."""
        self._opens = False
        self._restart(min(slots, self._most))

    @property
    def in_flight(self) -> int:
        """Slots taken."""
        return self._meter.in_flight

    @property
    def name(self) -> str:  # type: ignore[override]
        """`server` where the server is what holds the width down, else `concurrency`."""
        return "server" if self._growth is not None and self._growth.bound else "concurrency"

    @property
    def paced(self) -> bool:
        """Whether a rate limit is known, told or learned. May be set at any time.

        Then a refusal means the rate, not the width, unless refusals go on and on. Where the rate was
        learned from refusals, the width is what it was before them.
        """
        return self._paced

    @paced.setter
    def paced(self, paced: bool) -> None:
        learned = paced and not self._paced
        self._paced = paced
        if learned and self._growth is not None:
            width = max(self._growth.uncut, min(START, self._most)) if self._growth.uncut else self._room
            if width > self.width:
                self._restart(width)

    def set(self, width: int | Literal["auto"]) -> None:
        """Fix the width from now on, or let it be found from where it is."""
        if width == "auto":
            self._restart(self.width)
        else:
            self._growth = None
            self.width = max(1, width)

    def delay(self, ticket: Ticket, now: float) -> float:
        """Nothing while a slot is free."""
        return 0.0 if self._meter.in_flight < self.width else UNTIL_CHANGE

    def take(self, ticket: Ticket, now: float) -> None:
        """Take a slot."""
        if not self._begun:
            self._begin(now)
            self._first = min(self._first, now)
        self._meter.took(self.width, now)

    def settle(self, ticket: Ticket, end: End, now: float) -> None:
        """Give the slot back, and learn from how it went."""
        meter = self._meter
        meter.ended(now)
        if end is None or self._growth is None or not self._begun:
            return
        if isinstance(end, Reply):
            self._refusals.served()
            self._replies.append(now)
            if self._opens:
                self._open(ticket.sent, now)
            if ticket.request.attempt == 1 or self._growth.stage is Stage.MEND:
                meter.replied(ticket.sent, now)
                plan = self._growth.plan
                if meter.replies >= plan.replies and meter.seconds(now) >= plan.seconds:
                    self._judge(self._growth, now)
        else:
            self._fault(self._growth, end, ticket.sent, now)

    def _restart(self, width: int) -> None:
        self._growth = Growth(width, self._most)
        self.width = self._growth.width
        self._begun = False

    def _open(self, sent: float, now: float) -> None:
        """Begin as wide as at other servers, if all would be answered in time even by one slot."""
        self._opens = False
        bears = int(FITS * self._timeout / max(now - sent, 1e-3)) if self._timeout < inf else START
        self._room = min(bears, 2 * START, self._most)
        if self.width < min(bears, START):
            self._restart(min(bears, START))
            self._begin(now)

    def _overdue(self, growth: Growth, sent: float, now: float) -> None:
        """Narrow after a timeout to half of what was answered meanwhile: the others wait in the server."""
        bears = sum(at > sent for at in self._replies)
        if bears and bears < self.width and sent > self._narrowed:
            self._narrowed = now
            growth.hold(max(1, bears // 2), now)
            self.width = growth.width
            self._begin(now)

    def _fault(self, growth: Growth, fault: Fault, sent: float, now: float) -> None:
        self._opens = False
        if fault.kind in _FAULTY:
            self._meter.failed(now)
            if fault.kind == "timeout":
                self._overdue(growth, sent, now)
        elif fault.kind != "rate_limited":
            return
        elif self._refusals.refused(sent, now, self._latency, self._paced):
            self._burst, self._refused = self._meter.in_flight + 1, 1
            growth.refuse(self._burst)
            self.width = growth.width
            self._begin(now)
        elif self._refusals.is_of_the_burst(sent) and not self._paced:
            self._refused += 1
            if self._refused > SWAMPED * self._burst:
                growth.narrow(self._burst - self._refused)
                self.width = growth.width

    def _judge(self, growth: Growth, now: float) -> None:
        round = self._meter.round(self.width, now)
        self._latency = round.latency
        growth.bears = self._bears(round, now)
        if growth.judge(round, now):
            self.width = growth.width
            self._begin(now)

    def _bears(self, round: Round, now: float) -> int:
        """How many would be answered in time, if the server were at its capacity now."""
        if self._timeout == inf:
            return self._most
        seconds = max(min(self._timeout, now - self._first), 1e-3)
        rate = min(round.rate, sum(at > now - seconds for at in self._replies) / seconds)
        return max(1, min(self._most, int(FITS * self._timeout * rate)))

    def _begin(self, now: float) -> None:
        self._begun = True
        plan = self._growth.plan if self._growth is not None else Plan(0)
        self._meter.begin(now, plan.settling * self._latency, plan.fresh)
