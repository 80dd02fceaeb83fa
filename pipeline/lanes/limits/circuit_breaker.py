"""While a server is down, one request at a time asks it, until it answers or is given up.

Faults in a row, of several requests, open the circuit breaker. Then one request probes at growing
intervals, and its failed tries are not counted; the first answer closes the breaker. Faults do not count
where a few requests fail alone while others are answered, or where a request fails again after others have
been answered: then the requests are the cause.
This module does not know what a server is.
"""

from __future__ import annotations

from random import uniform

from pipeline.core.domain import Fate, Fault, Reply
from pipeline.lanes.limits._evidence import Evidence
from pipeline.lanes.limits.limit import UNTIL_CHANGE, End, Limit, Ticket

DOWN = frozenset({"server_error", "unreachable", "disconnected", "timeout", "unreadable"})
"""kinds of fault that speak of the server rather than of the request"""
OPENS_AT = 10
"""faults in a row"""
SEVERAL = 5
"""requests that must be among them, where the server has answered before"""
FIRST_INTERVAL, LONGEST_INTERVAL = 1.0, 30.0
UNREACHED = 30.0
"""seconds of patience with a host that was never reached"""


class CircuitBreaker(Limit):
    """Gives up after `outage` seconds without an answer: a fault that stops the run, resumable."""

    name = "outage"

    def __init__(self, outage: float) -> None:
        self._outage = outage
        self._answered = False
        self.answered_before = False
        """whether the server has answered an earlier run: then a few requests may be the ones at fault"""
        self.evidence = Evidence()
        self._streak = 0
        self._requests: set[bytes] = set()
        self._last: Fault | None = None
        self._probe: Ticket | None = None
        self._interval = FIRST_INTERVAL
        self._next = 0.0
        self._failed_at = self._down = 0.0
        self.opened: float | None = None
        """when it opened; None while it is closed"""

    @property
    def _has_answered(self) -> bool:
        return self._answered or self.answered_before

    def delay(self, ticket: Ticket, now: float) -> float:
        """0 while closed, the time until the next probe while open. Raises when the server is given up."""
        if self.opened is None:
            return 0.0
        if self._probe is None and self._down >= self._patience:
            seconds = self._down
            message = f"nothing was answered for {seconds:.0f} s; the last fault: {self._last}"
            raise Fault("outage", message, fate=Fate.STOP)
        return self.resting(now)

    def resting(self, now: float) -> float:
        """Seconds until something may be sent: 0 while closed, infinite while a probe is under way."""
        if self.opened is None:
            return 0.0
        return UNTIL_CHANGE if self._probe is not None else max(self._next - now, 0.0)

    @property
    def _patience(self) -> float:
        never = not self._answered and self._last is not None and self._last.kind == "unreachable"
        return min(self._outage, UNREACHED) if never else self._outage

    def take(self, ticket: Ticket, now: float) -> None:
        """While open, this one is the probe."""
        if self.opened is not None:
            self._probe = ticket

    def settle(self, ticket: Ticket, end: End, now: float) -> None:
        """Count the faults that tell something about the server."""
        probing = self._probe is ticket
        if probing:
            self._probe = None
        if isinstance(end, Fault) and end.kind in DOWN:
            self._failed(ticket, end, now, probing)
            return
        if isinstance(end, Fault) and end.status >= 500:  # it sheds load, which says neither up nor down
            self.evidence.failed(ticket, now)
            return
        if isinstance(end, Reply):
            self.evidence.answered(ticket)
        if isinstance(end, Reply | Fault) and (self.opened is None or probing or ticket.sent > self.opened):
            self._answered = self._answered or isinstance(end, Reply)
            self._streak = 0
            self._requests.clear()
            self.opened = None

    def _failed(self, ticket: Ticket, fault: Fault, now: float, probing: bool) -> None:
        if self.evidence.failed(ticket, now) and self.opened is None:
            return
        self._streak += 1
        ticket.counted = self._streak > OPENS_AT or not self.evidence.in_doubt
        self._last = fault
        if len(self._requests) < SEVERAL:
            self._requests.add(ticket.request.digest)
        if self.opened is not None:
            ticket.counted, ticket.probe = False, probing
            if probing:  # a pause, in which nothing was sent, says nothing about the server
                self._down += min(now - self._failed_at, 2 * LONGEST_INTERVAL)
                self._failed_at = now
                self._interval = min(self._interval * 2, LONGEST_INTERVAL)
                self._rest(now)
            return
        if self._streak >= OPENS_AT and (len(self._requests) >= SEVERAL or not self._has_answered):
            ticket.counted = False
            self.opened = self._failed_at = now
            self._down = 0.0
            self._interval = FIRST_INTERVAL
            self._rest(now)

    def _rest(self, now: float) -> None:
        """Set the time of the next probe; the last one is when the server is given up."""
        self._next = now + uniform(self._interval / 2, self._interval)  # noqa: S311 - not a secret
        if self._down < self._patience:
            self._next = min(self._next, now + self._patience - self._down + 1e-3)
