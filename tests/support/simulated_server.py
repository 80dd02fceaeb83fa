"""A client with a queue and one server, in simulated time: seconds of traffic in milliseconds of work."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from heapq import heappop, heappush
from itertools import count
from math import exp, inf
from random import Random
from typing import Any

from pipeline.core.domain import Fault, Reply, Request
from pipeline.lanes.limits.concurrency import Concurrency
from pipeline.lanes.limits.limit import Ticket
from pipeline.money.estimate import Expected

REPLY = Reply("chat", b"")
REFUSED = Fault("rate_limited", "too many requests")
BROKEN = Fault("server_error", "overloaded")
_FIRST, _AGAIN = Request("chat", "m", b"{}"), Request("chat", "m", b"{}", attempt=2)
_NOTHING = Expected(0, 0, 0)


@dataclass
class Server:
    """Serves `capacity` requests at once, queues the others, and refuses what is above `limit` or `rate`.

    `sigma` is that of a lognormal service time with a mean of `latency` seconds.
    """

    capacity: int = 10**9
    latency: float = 0.1
    sigma: float = 0.0
    limit: float = inf
    rate: float = inf
    burst: float = 5.0
    """requests that may come at once where there is a rate"""
    broken: tuple[float, float] = (inf, inf)
    refusal: float = 0.01
    """seconds that a refusal or a server error takes"""
    handling: float = 0.0
    """seconds that the client is busy with each reply, one after the other"""


@dataclass
class Simulation:
    """`work(now)` tells how many requests have been there to send until now."""

    width: Concurrency
    server: Server
    seed: int = 0
    work: Callable[[float], float] = lambda now: inf
    pace: float = inf
    """requests a second that are sent at most, new ones and tries again"""
    backoff: float = 1.0
    now: float = 0.0
    ends: list[tuple[float, str]] = field(default_factory=list)
    """when each request ended, and how"""
    widths: list[tuple[float, int]] = field(default_factory=list)
    """each new width, and when"""
    latencies: list[tuple[float, float]] = field(default_factory=list)
    """when each reply came, and after how long"""

    def __post_init__(self) -> None:
        self._random = Random(self.seed)
        self._events: list[tuple[float, int, Callable[..., None], tuple[Any, ...]]] = []
        self._order = count()
        self._queue: deque[Ticket] = deque()
        self._serving = 0
        self._sent = 0
        self._again = 0
        self._bucket = (0.0, self.server.burst)
        self._next = self._free = 0.0
        self._waking = False

    def run(self, until: float) -> Simulation:
        """Go on until a time, in seconds."""
        self._fill()
        while self._events and self._events[0][0] <= until:
            self.now, _, act, about = heappop(self._events)
            act(*about)
        self.now = until
        return self

    def at(self, when: float, act: Callable[..., None], *about: Any) -> None:
        """Do something at a time."""
        heappush(self._events, (when, next(self._order), act, about))

    def counted(self, how: str, since: float, until: float) -> int:
        """Requests that ended so, in a stretch of time."""
        return sum(1 for when, end in self.ends if end == how and since < when <= until)

    def latency(self, since: float) -> float:
        """Mean seconds of the replies from a time on."""
        late = [seconds for when, seconds in self.latencies if when > since]
        return sum(late) / len(late)

    def width_at(self, when: float) -> int:
        """The width at a time."""
        return next((width for since, width in reversed(self.widths) if since <= when), self.width.width)

    def _fill(self) -> None:
        while True:
            new = not self._again
            if new and self._sent + 1 > self.work(self.now):
                self._come_back(self.now + 0.005)
                return
            if self.now < self._next:
                self._come_back(self._next)
                return
            ticket = Ticket(_FIRST if new else _AGAIN, lambda request: _NOTHING, self.now)
            if self.width.delay(ticket, self.now) > 0:
                return
            if new:
                self._sent += 1
            else:
                self._again -= 1
            ticket.sent = self.now
            self._next = max(self._next, self.now - 1 / self.pace) + 1 / self.pace
            self.width.take(ticket, self.now)
            self._arrive(ticket)

    def _come_back(self, when: float) -> None:
        if not self._waking:
            self._waking = True
            self.at(when, self._wake)

    def _wake(self) -> None:
        self._waking = False
        self._fill()

    def _arrive(self, ticket: Ticket) -> None:
        server = self.server
        if server.broken[0] <= self.now < server.broken[1]:
            self.at(self.now + server.refusal, self._end, ticket, BROKEN)
        elif self._serving + len(self._queue) >= server.limit or not self._token():
            self.at(self.now + server.refusal, self._end, ticket, REFUSED)
        elif self._serving < server.capacity:
            self._serve(ticket)
        else:
            self._queue.append(ticket)

    def _token(self) -> bool:
        if self.server.rate == inf:
            return True
        then, tokens = self._bucket
        tokens = min(self.server.burst, tokens + (self.now - then) * self.server.rate)
        self._bucket = (self.now, tokens - 1 if tokens >= 1 else tokens)
        return tokens >= 1

    def _serve(self, ticket: Ticket) -> None:
        self._serving += 1
        server = self.server
        seconds = server.latency
        if server.sigma:
            seconds *= exp(self._random.gauss(-(server.sigma**2) / 2, server.sigma))
        self.at(self.now + seconds, self._served, ticket)

    def _served(self, ticket: Ticket) -> None:
        self._serving -= 1
        while self._queue and self._serving < self.server.capacity:
            self._serve(self._queue.popleft())
        self._free = max(self.now, self._free) + self.server.handling
        self.at(self._free, self._end, ticket, REPLY)

    def _end(self, ticket: Ticket, end: Reply | Fault) -> None:
        self.width.settle(ticket, end, self.now)
        self.ends.append((self.now, end.kind if isinstance(end, Fault) else "served"))
        if isinstance(end, Fault):
            self.at(self.now + self.backoff * (0.5 + self._random.random()), self._retry)
        else:
            self.latencies.append((self.now, self.now - ticket.sent))
        if not self.widths or self.widths[-1][1] != self.width.width:
            self.widths.append((self.now, self.width.width))
        self._fill()

    def _retry(self) -> None:
        self._again += 1
        self._fill()


def share_of_best(capacity: int, sigma: float, seed: int, seconds: float = 20.0) -> float:
    """What the found width delivered, as a share of what the best fixed one does."""
    server = Server(capacity=capacity, sigma=sigma)
    found = Simulation(Concurrency.auto(), server, seed).run(seconds).counted("served", 0, seconds)
    if capacity > 50:
        return found / (capacity / server.latency * seconds)
    widths = (capacity, capacity + 2, 2 * capacity)
    fixed = (Simulation(Concurrency(width), server, seed).run(seconds) for width in widths)
    return found / max(run.counted("served", 0, seconds) for run in fixed)


CAPACITIES = (1, 4, 50, 200, 1000)
