"""A quota per minute and day: may this request pass now, and what the `x-ratelimit-*` headers say.

Headers and the form of durations follow the public documentation of OpenAI's rate limits.
This module does not know requests, replies or clocks: it is told the time and the tokens.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from math import ceil

from pipeline.testing.script import Quota

MINUTE = 60.0
DAY = 86400.0


class Bucket:
    """Filled evenly with `limit` in every `period` of seconds, by any clock that does not go back."""

    def __init__(self, limit: int, size: float, period: float = MINUTE) -> None:
        self.limit = limit
        self._size = size
        self._seconds = period / limit
        self._level = size
        self._at: float | None = None

    def _fill(self, now: float) -> float:
        if self._at is not None:
            self._level = min(self._size, self._level + (now - self._at) / self._seconds)
        self._at = now
        return self._level

    def wait(self, cost: int, now: float) -> float:
        """Seconds until `cost` fits, 0 when it does now."""
        lacking = cost - self._fill(now)
        return lacking * self._seconds if lacking > 1e-9 else 0.0

    def take(self, cost: int, now: float) -> None:
        """Use `cost` up."""
        self._level = self._fill(now) - cost

    def left(self, now: float) -> int:
        """What could be taken now."""
        return max(0, int(self._fill(now) + 1e-9))

    def reset(self, now: float) -> float:
        """Seconds until nothing is used any more."""
        return (self._size - self._fill(now)) * self._seconds


class Window:
    """The same methods for a sliding window: no `period` of seconds ever holds more than `limit`."""

    def __init__(self, limit: int, period: float = MINUTE) -> None:
        self.limit = limit
        self._period = period
        self._taken: deque[tuple[float, int]] = deque()
        self._sum = 0

    def _forget(self, now: float) -> None:
        while self._taken and self._taken[0][0] <= now - self._period:
            self._sum -= self._taken.popleft()[1]

    def wait(self, cost: int, now: float) -> float:
        self._forget(now)
        lacking = self._sum + cost - self.limit
        for at, taken in self._taken:
            if lacking <= 0:
                break
            lacking -= taken
            if lacking <= 0:
                return at + self._period - now
        return 0.0 if lacking <= 0 else self._period

    def take(self, cost: int, now: float) -> None:
        self._taken.append((now, cost))
        self._sum += cost

    def left(self, now: float) -> int:
        self._forget(now)
        return max(0, self.limit - self._sum)

    def reset(self, now: float) -> float:
        self._forget(now)
        return self._taken[-1][0] + self._period - now if self._taken else 0.0


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether a request passes, what refuses it (requests or tokens, `per` minute or day), and headers."""

    passes: bool
    limit: str
    per: str
    headers: dict[str, str]


class Gate:
    """The quota for all requests of a server."""

    def __init__(self, quota: Quota) -> None:
        self._quota = quota
        self._meters: dict[tuple[str, str], Bucket | Window] = {}
        if quota.rpm:
            burst = quota.burst or max(1.0, quota.rpm / MINUTE)
            self._meters["requests", "minute"] = self._meter(quota.rpm, burst, MINUTE)
        if quota.tpm:
            self._meters["tokens", "minute"] = self._meter(quota.tpm, quota.tpm, MINUTE)
        if quota.rpd:
            self._meters["requests", "day"] = self._meter(quota.rpd, quota.rpd, DAY)

    def _meter(self, limit: int, size: float, period: float) -> Bucket | Window:
        return Window(limit, period) if self._quota.sliding else Bucket(limit, size, period)

    def admit(self, tokens: int, now: float) -> Verdict:
        """Take one request and its tokens, all or nothing."""
        costs = {"requests": 1, "tokens": tokens}
        waits = {name: meter.wait(costs[name[0]], now) for name, meter in self._meters.items()}
        longest = max(waits, key=lambda name: waits[name])
        if waits[longest] > 0:
            return Verdict(False, *longest, self._headers(now) | self._told(waits[longest]))
        for (unit, _), meter in self._meters.items():
            meter.take(costs[unit], now)
        return Verdict(True, "", "", self._headers(now))

    def _headers(self, now: float) -> dict[str, str]:
        headers: dict[str, str] = {}
        for (unit, per), meter in self._meters.items():
            if self._quota.headers and per == "minute":
                headers[f"x-ratelimit-limit-{unit}"] = str(meter.limit)
                headers[f"x-ratelimit-remaining-{unit}"] = str(meter.left(now))
                headers[f"x-ratelimit-reset-{unit}"] = duration(meter.reset(now))
        return headers

    def _told(self, wait: float) -> dict[str, str]:
        told = self._quota.retry_after
        if told is False:
            return {}
        return {"retry-after": str(ceil(wait)) if told is True else f"{told:g}"}


def duration(seconds: float) -> str:
    """The form these headers have: `20ms`, `1.5s`, `6m0s`."""
    if seconds < 1:
        return f"{ceil(seconds * 1000)}ms"
    minutes, rest = divmod(ceil(seconds * 1000) / 1000, 60)
    return f"{minutes:.0f}m{rest:g}s" if minutes else f"{rest:g}s"
