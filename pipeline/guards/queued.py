"""The turnstile of a lane: first come, first served, and a place is taken only when all limits allow it.

Nobody but the head of the line asks the limits, so a long prompt is never starved by short ones, and a
reservation taken is a call made now. The limit that holds the head up is what binds the lane.
This module does not know any limit.
"""

from __future__ import annotations

import asyncio
from collections import Counter, deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from pipeline.domain import Call, Fate, Fault, Reply, Request
from pipeline.histogram import Histogram
from pipeline.limits._base import End, Expected, Limit, Ticket

LOOK_AGAIN = 60.0
"""seconds after which the limits are asked again in any case: the machine may have slept meanwhile"""
_Place = tuple[Ticket, "asyncio.Future[None]"]


@dataclass(eq=False)
class Turnstile:
    """Where the requests of one lane wait for their turn. Used from one event loop."""

    name: str
    limits: Sequence[Limit]
    expect: Callable[[Request], Expected]
    waits: Histogram = field(default_factory=Histogram)
    """seconds that requests have waited here"""
    held: Counter[str] = field(default_factory=Counter)
    """seconds that the head of the line was held up, by the limit that bound"""
    binding: str = ""
    """the limit that holds the head up now; '' where nobody waits"""
    in_flight: int = 0
    _line: deque[_Place] = field(default_factory=deque)
    _timer: asyncio.TimerHandle | None = None
    _noted: float = 0.0
    _closed: Fault | None = None

    def __post_init__(self) -> None:
        self._asked = [limit for limit in self.limits if type(limit).delay is not Limit.delay]
        self._takers = [limit for limit in self.limits if type(limit).take is not Limit.take]
        self._settlers = [limit for limit in self.limits if type(limit).settle is not Limit.settle]

    @property
    def waiting(self) -> int:
        """Requests in the line."""
        return len(self._line)

    async def enter(self, request: Request) -> Ticket:
        """Wait for the turn of a request; raises a limit's fault. Whoever was in before goes first."""
        loop = asyncio.get_running_loop()
        if self._closed is not None:
            raise _again(self._closed)
        ticket = Ticket(request, self.expect, loop.time())
        turn: asyncio.Future[None] = loop.create_future()
        if request.attempt > 1:
            self._line.appendleft((ticket, turn))
        else:
            self._line.append((ticket, turn))
        self.pump()
        try:
            await turn
        except BaseException:
            if ticket.sent >= 0:
                self.leave(ticket, None)
            elif (ticket, turn) in self._line:
                self._line.remove((ticket, turn))
                self.pump()
            raise
        return ticket

    def leave(self, ticket: Ticket, end: End) -> None:
        """Give the place back."""
        self.in_flight -= 1
        now = asyncio.get_running_loop().time()
        for limit in self._settlers:
            limit.settle(ticket, end, now)
        self.pump()

    def pump(self) -> None:
        """Let through whoever may pass; come back when the head may."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        loop = asyncio.get_running_loop()
        now = loop.time()
        self._note(now)
        self.binding = ""
        while self._line:
            ticket, turn = self._line[0]
            try:
                delay = self._delay(ticket, now)
            except Fault as fault:
                self._line.popleft()
                if not turn.done():
                    turn.set_exception(fault)
                continue
            if delay > 0:
                self._timer = loop.call_later(min(delay, LOOK_AGAIN), self.pump)
                return
            self._line.popleft()
            if not turn.done():
                self._pass(ticket, now)
                turn.set_result(None)

    def _delay(self, ticket: Ticket, now: float) -> float:
        longest = 0.0
        for limit in self._asked:
            delay = limit.delay(ticket, now)
            if delay > longest:
                longest, self.binding = delay, limit.name
        if longest == 0.0:
            self.binding = ""
        return longest

    def _pass(self, ticket: Ticket, now: float) -> None:
        ticket.sent = now
        self.in_flight += 1
        self.waits.add(now - ticket.entered)
        for limit in self._takers:
            limit.take(ticket, now)

    def _note(self, now: float) -> None:
        if self.binding:
            self.held[self.binding] += now - self._noted  # type: ignore[assignment] # seconds, not a count
        self._noted = now

    def close(self, reason: Fault) -> None:
        """Send everybody who waits, and whoever comes later, elsewhere."""
        self._closed = reason
        self.flush(reason)

    def flush(self, reason: Fault) -> None:
        """Send everybody who waits elsewhere."""
        line, self._line = self._line, deque()
        for _, turn in line:
            if not turn.done():
                turn.set_exception(_again(reason))


def _again(reason: Fault) -> Fault:
    fault = Fault(reason.kind, reason.message, fate=Fate.RETRY)
    fault.counted = False
    return fault


def queued(call: Call, turnstile: Turnstile) -> Call:
    """A call that waits for its turn, and gives its place back with how it ended."""

    async def ask(request: Request) -> Reply:
        ticket = await turnstile.enter(request)
        end: End = None
        try:
            end = await call(request)
        except Fault as fault:
            end = fault
            raise
        finally:
            turnstile.leave(ticket, end)
        return end

    return ask
