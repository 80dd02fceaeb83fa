"""What stands between a client and a model, in this process and on the clock that tests turn.

`LimitReq` does what nginx's `limit_req` does: a leaky bucket, whose excess is refused at once with a page.
`Queued` is a server of some slots with a queue in front of it: HAProxy's `maxconn`, which refuses who has
waited too long, or a model's own server, which lets everybody wait.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from math import inf

import anyio

from pipeline.core.domain import Reply, Request
from pipeline.wire.faults import fault_of, timed_out
from tests.support.fakes import said

NGINX = (
    b"<html>\r\n<head><title>%d</title></head>\r\n<body>\r\n<center><h1>%d</h1></center></body></html>\r\n"
)
HAPROXY = b"<html><body><h1>503 Service Unavailable</h1>\nNo server is available.\n</body></html>\n"
JSON = b'{"error": {"message": "The engine is currently overloaded", "type": "server_error"}}'


@dataclass
class _Counted:
    """What came, and what became of it."""

    latency: float = 0.1
    answered: int = 0
    refused: int = 0
    lost: int = 0
    """requests that the client has given up"""
    times: list[float] = field(default_factory=list)

    def arrive(self) -> float:
        self.times.append(anyio.current_time())
        return self.times[-1]


@dataclass
class LimitReq(_Counted):
    """`limit_req rate=…r/s burst=… nodelay`, with the status that it is told."""

    rate: float = 5.0
    burst: int = 0
    status: int = 503
    page: bytes = b""
    _excess: float = 0.0
    _last: float = -inf

    async def __call__(self, request: Request) -> Reply:
        now = self.arrive()
        excess = max(self._excess - self.rate * (now - self._last) + 1.0, 0.0)
        if excess > self.burst:
            self.refused += 1
            await anyio.sleep(0.002)
            raise fault_of(self.status, {}, self.page or NGINX % (self.status, self.status))
        self._excess, self._last = excess, now
        await anyio.sleep(self.latency)
        self.answered += 1
        return said("x")


@dataclass
class Queued(_Counted):
    """A server that works on `slots` requests at once; the others wait up to `patience` seconds.

    The client waits `timeout` seconds in all, and a request that it gives up leaves its place.
    """

    slots: int = 1
    patience: float = inf
    timeout: float = 300.0
    page: bytes = HAPROXY
    _room: anyio.Semaphore | None = None

    async def __call__(self, request: Request) -> Reply:
        self.arrive()
        self._room = self._room or anyio.Semaphore(self.slots)
        with anyio.move_on_after(self.timeout):
            with anyio.move_on_after(self.patience) as waiting:
                await self._room.acquire()
            if waiting.cancelled_caught:
                self.refused += 1
                raise fault_of(503, {}, self.page)
            try:
                await anyio.sleep(self.latency)
            finally:
                self._room.release()
            self.answered += 1
            return said("x")
        self.lost += 1
        raise timed_out(self.timeout)
