"""What holds a run up: watched while it goes on, told at any time, and summed up at its end.

A sample is taken twice a second. Where requests wait for their turn, the limit that holds the first of
them binds; where none waits, it is the source, this process, or only the last answers are still to come.
This module changes nothing.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime
from math import inf
from typing import Any

import anyio

from pipeline.core.clock import spoken
from pipeline.core.display import clock
from pipeline.core.histogram import Histogram
from pipeline.core.progress import Progress
from pipeline.lanes.lane import Lane

EVERY = 0.5
BUSY = 0.9
"""above this share of one core, the process itself holds the run up"""
SHORT_WAIT = 120.0
"""seconds up to which a wait is told as what is left of it, not as a time of day"""
WORTH_A_WORD = 2.0
"""seconds that a wait must still last to be told"""
MANY_TIMEOUTS = 3
SHARES = (0.5, 0.95, 0.99)


@dataclass
class Bottleneck:
    """Samples of one run. `held` counts them by what bound."""

    lanes: Sequence[Lane]
    progress: Progress
    starving: Callable[[], bool]
    """whether the source keeps this process waiting"""
    rendering: Callable[[], float]
    """seconds of processor time that went into templates so far"""
    say: Callable[[str], None] = lambda _: None
    held: Counter[str] = field(default_factory=Counter)
    binding: str = ""
    """what binds now; '' before the first sample"""
    _used: float = 0.0
    _rendered: float = 0.0
    _at: float = 0.0
    _awaited: dict[str, datetime] = field(default_factory=dict)
    """by lane: the opening of its hours that was told last"""

    def sample(self) -> None:
        """Take one sample."""
        cpu, rendered, at = time.thread_time(), self.rendering(), time.monotonic()
        wall = max(at - self._at, 1e-6)
        busy, rendering = (cpu - self._used) / wall, (rendered - self._rendered) / wall
        first = self._at == 0.0
        self._used, self._rendered, self._at = cpu, rendered, at
        if first:
            return
        self.binding = self.bound(busy, rendering)
        self.progress.binding = self.binding if self._worth_saying(self.binding) else ""
        self.progress.waits = self._awaited_now(at)
        if (self.progress.waits or self.progress.notice) and not self.progress.in_flight:
            self.progress.since += (
                wall  # the time in which nothing could be sent says nothing about the speed
            )
        self.held[self.binding] += 1
        for lane in self.lanes:
            if lane.queue.binding == "hours":
                self._announce(lane, at)

    def bound(self, busy: float, rendering: float) -> str:
        """What binds, given the shares of a core that this thread is `busy` and that go into `rendering`."""
        lane = max(self.lanes, key=lambda one: one.queue.waiting, default=None)
        binding = lane.queue.binding if lane is not None and lane.queue.waiting else ""
        if busy > BUSY and binding in ("", "concurrency", "server"):
            return "template" if rendering > busy / 2 else "loop"
        if binding:
            return binding
        return "source" if self.starving() else "tail"

    def _awaited_now(self, now: float) -> str:
        """What the run waits for, and until when, where the wait is worth a sentence; '' where it is not."""
        lane = max(self.lanes, key=lambda one: one.queue.waiting, default=None)
        if lane is None or not lane.queue.waiting or lane.queue.binding not in _WAITS:
            return ""
        said, left = _WAITS[lane.queue.binding], lane.queue.until - now
        if left == inf:
            return said
        if left < SHORT_WAIT:
            how = "next try in {}" if lane.queue.binding == "outage" else "{} left"
            return f"{said}, {how.format(clock(left))}" if left > WORTH_A_WORD else ""
        return f"{said}, until {spoken(lane.clock.local(lane.queue.until + 1), lane.clock.local(now))}"

    def _announce(self, lane: Lane, now: float) -> None:
        """Say once, for each wait for a lane's hours, when the wait will end."""
        if lane.hours is not None:
            local = lane.hours.clock.local(now)
            opens = lane.hours.hours.opens(local).replace(second=0, microsecond=0)
            if self._awaited.get(lane.name) != opens:
                self._awaited[lane.name] = opens
                self.say(f"{lane.name}: waits for its hours, until {spoken(opens, local)}")

    def shares(self) -> dict[str, float]:
        """What bound, and in which share of the time, the largest first."""
        total = self.held.total()
        return {name: round(count / total, 3) for name, count in self.held.most_common()} if total else {}

    def advice(self) -> str:
        """One line on what bound most; '' where nothing was seen."""
        shares = self.shares()
        name = next(iter(shares), "")
        said = self._worth_saying(name)
        return said and f"{name} ({shares[name]:.0%} of the time): {said}"

    def _worth_saying(self, name: str) -> str:
        """What can be done about what bound; '' for nothing. A limit that nobody set cannot be raised."""
        timeouts = self.progress.faults["timeout"] if self.progress.answered else 0
        if timeouts >= MANY_TIMEOUTS:
            return QUEUED.format(timeouts)
        if name in UNSET and not any(name in lane.limits.model_fields_set for lane in self.lanes):
            return UNSET[name]
        return "" if name == "tail" else ADVICE.get(name, "")

    @property
    def seconds(self) -> float:
        """Seconds watched so far."""
        return self.held.total() * EVERY

    def lane_numbers(self, now: float) -> list[dict[str, Any]]:
        """The state of every lane, for programs."""
        return [_numbers(lane, now) for lane in self.lanes]

    def waits(self) -> dict[str, float]:
        """Percentiles of the seconds that requests waited for their turn, over all lanes."""
        every = Histogram()
        for lane in self.lanes:
            every.merge(lane.queue.waits)
        return quantiles(every)


def quantiles(histogram: Histogram) -> dict[str, float]:
    """p50, p95 and p99 of what is counted; nothing where nothing is."""
    if not histogram.count:
        return {}
    return {f"p{share * 100:.0f}": round(histogram.quantile(share), 4) for share in SHARES}


def _numbers(lane: Lane, now: float) -> dict[str, Any]:
    limits = {"rpm": lane.rpm, "tpm": lane.tpm, "rpd": lane.rpd}
    return {
        "name": lane.name,
        "state": lane.state(now),
        "in_flight": lane.queue.in_flight,
        "waiting": lane.queue.waiting,
        "concurrency": lane.concurrency.width,
        "binding": lane.queue.binding,
        "limits": {name: round(pace.limit) for name, pace in limits.items() if pace.limit},
        "used": {name: round(pace.use(now) or 0.0, 3) for name, pace in limits.items() if pace.limit},
        "found_rpm": round(lane.rate_finder.found) if lane.rate_finder.found else None,
        "wait": quantiles(lane.queue.waits),
        "held_seconds": {name: round(seconds, 1) for name, seconds in lane.queue.held.items()},
    }


@asynccontextmanager
async def watching(bottleneck: Bottleneck) -> AsyncIterator[None]:
    """Take samples until the context ends."""
    bottleneck.sample()
    async with anyio.create_task_group() as group:
        group.start_soon(_sampled, bottleneck)
        try:
            yield
        finally:
            group.cancel_scope.cancel()


async def _sampled(bottleneck: Bottleneck) -> None:
    while True:
        await anyio.sleep(EVERY)
        bottleneck.sample()


ADVICE = {
    "rpm": "the limit is requests per minute: raise limits.rpm if the account allows more, or add endpoints",
    "tpm": "the limit is tokens per minute: shorten prompts, raise limits.tpm, or add endpoints",
    "rpd": "the limit is requests per day: raise limits.rpd, or add endpoints",
    "concurrency": "the limit is limits.concurrency: raise it, or leave it out and a good one is found",
    "server": "the server is at its capacity: add another endpoint",
    "cooldown": "the server refused requests for their rate, and the run waited",
    "outage": "the server was down for much of the time",
    "doubt": "the run waited to see whether a refusal meant one row or the whole account",
    "hours": "the run waited for limits.hours",
    "paused": "the run was paused",
    "budget": "the run waited for room in the budget: raise the budget, or set a token limit in params",
    "source": "reading the records was the slowest part; of tables, Parquet is read fastest",
    "template": "rendering the templates was the slowest part",
    "loop": "this process uses one CPU core fully: split the records over two jobs to use two cores",
    "tail": "the answers themselves took the time; nothing in this program held them up",
}
UNSET = {
    "rpm": "the server allows no more requests per minute: add endpoints, or ask for a higher limit",
    "tpm": "the server allows no more tokens per minute: shorten prompts, or add endpoints",
    "rpd": "the server allows no more requests per day: add endpoints, or ask for a higher limit",
    "concurrency": "",
}
"""the same for limits that the job does not set: they were found, or told by the server"""
_WAITS = {
    "paused": "paused",
    "hours": "waiting for the time of limits.hours",
    "cooldown": "waiting after a refusal for the rate",
    "outage": "waiting for the server, which is down",
    "rpd": "waiting for the next day: the requests of this one are used up",
}
"""waits that can be long, as a person reads them"""
QUEUED = (
    "{:,} requests timed out while others were answered: set limits.concurrency to how many requests "
    "the server works on at once, or raise limits.timeout"
)
