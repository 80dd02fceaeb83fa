"""How many requests are in flight at once: a fixed number, or what the server is found to bear.

This module does not know rates, retries or who waits in the line.
"""

from __future__ import annotations

from typing import Literal

from pipeline.domain import Fault, Reply
from pipeline.limits._base import UNTIL_CHANGE, End, Limit, Ticket
from pipeline.limits._growth import Growth
from pipeline.limits._refusals import Refusals
from pipeline.limits._rounds import Meter

START, MOST = 16, 1024
"""the width that `auto` begins with, and the largest it comes to"""
_FAULTY = frozenset({"server_error", "disconnected", "timeout", "unreachable"})


class Width(Limit):
    """Slots for requests in flight. Takes about a microsecond a request.

    `paced` says that a rate limit is known, told or learned: then a refusal means the rate, not the width,
    unless refusals go on and on. It may be set at any time.
    """

    def __init__(self, fixed: int | None = None, *, start: int = START, most: int = MOST) -> None:
        self.paced = False
        self._meter = Meter()
        self._refusals = Refusals()
        self._latency = 0.0
        self._growth: Growth | None = None
        self._fixed = START
        self._most = most
        self._begun = False
        self.width = start
        """slots"""
        self.set("auto" if fixed is None else fixed)

    @classmethod
    def auto(cls, start: int = START, most: int = MOST) -> Width:
        """A width that is found, from `start` on and up to `most`."""
        return cls(None, start=start, most=most)

    @property
    def in_flight(self) -> int:
        """Slots taken."""
        return self._meter.in_flight

    @property
    def name(self) -> str:  # type: ignore[override]
        """`server` where the server is what holds the width down, else `concurrency`."""
        return "server" if self._growth is not None and self._growth.bound else "concurrency"

    def set(self, width: int | Literal["auto"]) -> None:
        """Fix the width from now on, or let it be found from where it is."""
        if width == "auto":
            self._growth = Growth(self.width, self._most)
            self.width = self._growth.width
        else:
            self._growth = None
            self.width = max(1, width)
        self._begun = False

    def delay(self, ticket: Ticket, now: float) -> float:
        """Nothing while a slot is free."""
        return 0.0 if self._meter.in_flight < self.width else UNTIL_CHANGE

    def take(self, ticket: Ticket, now: float) -> None:
        """Take a slot."""
        if not self._begun:
            self._begin(now)
        self._meter.took(self.width, now)

    def settle(self, ticket: Ticket, end: End, now: float) -> None:
        """Give the slot back, and learn from how it went."""
        meter = self._meter
        meter.ended(now)
        if end is None or self._growth is None:
            return
        if isinstance(end, Reply):
            self._refusals.served()
            if ticket.request.attempt == 1:
                meter.replied(ticket.sent, now)
                plan = self._growth.plan
                if meter.replies >= plan.replies and meter.seconds(now) >= plan.seconds:
                    self._judge(self._growth, now)
        else:
            self._fault(self._growth, end, ticket.sent, now)

    def use(self, now: float) -> float:
        """The share of the slots that was taken, over the last ten seconds or so."""
        return self._meter.use(self.width, now)

    def _fault(self, growth: Growth, fault: Fault, sent: float, now: float) -> None:
        if fault.kind in _FAULTY:
            self._meter.failed(now)
        elif fault.kind == "rate_limited" and self._refusals.refused(sent, now, self._latency, self.paced):
            self._meter.mark(self.width, now)
            growth.refuse(self._meter.in_flight + 1)
            self.width = growth.width
            self._begin(now)

    def _judge(self, growth: Growth, now: float) -> None:
        round = self._meter.round(self.width, now)
        self._latency = round.latency
        if growth.judge(round, now):
            self._meter.mark(self.width, now)
            self.width = growth.width
            self._begin(now)

    def _begin(self, now: float) -> None:
        self._begun = True
        if self._growth is not None:
            plan = self._growth.plan
            self._meter.begin(now, plan.settling * self._latency, plan.fresh)
