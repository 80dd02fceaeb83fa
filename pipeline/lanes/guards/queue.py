"""The queue of a lane: first come, first served, and a place is taken only when all limits allow it.

Only the head of the line asks the limits: short prompts cannot starve a long one, and what is reserved is
sent at once. The limit that holds the head up is what binds the lane. Repeated tries have a line of their
own, also first come, first served. It goes first, except while it is in doubt whether the server works: then
a request that has not failed yet tells more.
This module does not know any limit.
"""

from __future__ import annotations

import asyncio
from collections import Counter, deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import anyio.lowlevel

from pipeline.core.domain import Call, Fate, Fault, Reply, Request
from pipeline.core.histogram import Histogram
from pipeline.lanes.limits.limit import End, Limit, Ticket
from pipeline.money.estimate import Expected

LOOK_AGAIN = 60.0
"""seconds after which the limits are asked again in any case: the machine may have slept meanwhile"""
_Place = tuple[Ticket, "asyncio.Future[None]"]


@dataclass(eq=False)
class Queue:
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
    until: float = 0.0
    """when the head may pass, on the loop's clock, as far as time alone decides it"""
    in_flight: int = 0
    waiting: int = 0
    """requests in the line"""
    doubt: Callable[[], bool] = lambda: False
    """whether requests that have not failed yet go first"""
    relief: list[Callable[[Fault], None]] = field(default_factory=list)
    """called when the head has to wait long: requests may move to another endpoint"""
    _repeated: deque[_Place] = field(default_factory=deque)
    _line: deque[_Place] = field(default_factory=deque)
    _settling: bool = False
    _timer: asyncio.TimerHandle | None = None
    _noted: float = 0.0
    _closed: Fault | None = None

    def __post_init__(self) -> None:
        self._asked = [limit for limit in self.limits if type(limit).delay is not Limit.delay]
        self._takers = [limit for limit in self.limits if type(limit).take is not Limit.take]
        self._settlers = [limit for limit in self.limits if type(limit).settle is not Limit.settle]

    async def enter(self, request: Request) -> Ticket:
        """Wait for the turn of a request; raises a limit's fault."""
        await anyio.lowlevel.checkpoint_if_cancelled()  # else a request that passes at once would miss it
        loop = asyncio.get_running_loop()
        if self._closed is not None:
            raise _again(self._closed)
        ticket = Ticket(request, self.expect, loop.time())
        turn: asyncio.Future[None] = loop.create_future()
        line = self._repeated if request.attempt > 1 else self._line
        line.append((ticket, turn))
        self.waiting += 1
        if len(line) == 1:  # else an earlier request is the head
            self.pump()
        try:
            await turn
        except BaseException:
            if ticket.sent >= 0:
                self.leave(ticket, None)
            elif not turn.done() or turn.cancelled():
                turn.cancel()  # `_first` drops it from the line
                self.waiting -= 1
                self.pump()
            raise
        return ticket

    def leave(self, ticket: Ticket, end: End) -> None:
        """Give the place back."""
        self.in_flight -= 1
        now = asyncio.get_running_loop().time()
        self._settling = True  # nothing passes until every limit has settled
        try:
            for limit in self._settlers:
                limit.settle(ticket, end, now)
        finally:
            self._settling = False
        self.pump()

    def pump(self) -> None:
        """Let through all that may pass now, and come back when the head may."""
        if self._settling:
            return
        loop = asyncio.get_running_loop()
        now = loop.time()
        self._note(now)
        self.binding = ""
        while line := self._first():
            ticket, turn = line[0]
            try:
                delay, binding = self._delay(ticket, now)
            except Fault as fault:
                turn.set_exception(fault)
            else:
                if delay > 0:
                    self.binding, self.until = binding, now + delay
                    self._look_again(now + min(delay, LOOK_AGAIN), loop)
                    if delay >= LOOK_AGAIN:
                        for relieve in self.relief:
                            relieve(Fault(binding, f"{self.name} is held up", fate=Fate.RETRY))
                    return
                self._pass(ticket, now)
                turn.set_result(None)
            line.popleft()
            self.waiting -= 1

    def _look_again(self, at: float, loop: asyncio.AbstractEventLoop) -> None:
        """Ask the limits again at this time at the latest; earlier does no harm."""
        if self._timer is not None:
            if self._timer.when() <= at:
                return
            self._timer.cancel()
        self._timer = loop.call_at(at, self._due)

    def _due(self) -> None:
        self._timer = None
        self.pump()

    def _first(self) -> deque[_Place] | None:
        """The line whose head is next, after dropping the cancelled requests at its front."""
        lines = (self._line, self._repeated) if self.doubt() else (self._repeated, self._line)
        for line in lines:
            while line and line[0][1].done():
                line.popleft()
            if line:
                return line
        return None

    def _delay(self, ticket: Ticket, now: float) -> tuple[float, str]:
        longest, binding = 0.0, ""
        for limit in self._asked:
            delay = limit.delay(ticket, now)
            if delay > longest:
                longest, binding = delay, limit.name
        return longest, binding

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

    @property
    def repeating(self) -> int:
        """Repeated tries in the line."""
        return len(self._repeated)

    def last_first(self) -> None:
        """Let the last of those that have not been sent yet go before the others."""
        while self._line and self._line[-1][1].done():
            self._line.pop()
        self._line.rotate(1)

    @property
    def closed(self) -> Fault | None:
        """Why all requests are sent to other endpoints; None while the queue is open."""
        return self._closed

    def close(self, reason: Fault) -> None:
        """Send all requests, waiting and later ones, to other endpoints."""
        self._closed = reason
        self.flush(reason)

    def flush(self, reason: Fault) -> None:
        """Send all waiting requests to other endpoints."""
        places = [*self._repeated, *self._line]
        self._repeated.clear()
        self._line.clear()
        self.waiting = 0
        for _, turn in places:
            if not turn.done():
                turn.set_exception(_again(reason))
        self.pump()


def _again(reason: Fault) -> Fault:
    return Fault(reason.kind, reason.message, fate=Fate.RETRY, wait=0.0)  # it keeps its tries


def enqueue(call: Call, queue: Queue) -> Call:
    """A call that waits for its turn, and gives its place back when it has ended."""

    async def ask(request: Request) -> Reply:
        ticket = await queue.enter(request)
        try:
            reply = await call(request)
        except Fault as fault:
            queue.leave(ticket, fault)
            if ticket.counted:
                raise
            raise fault.but(counted=False) from None
        except BaseException:
            queue.leave(ticket, None)
            raise
        queue.leave(ticket, reply)
        return reply

    return ask
