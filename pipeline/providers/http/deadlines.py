"""Deadlines of all requests at an endpoint, checked by one timer: a timer for each costs much more.

This module does not know what is waited for.
"""

from __future__ import annotations

import asyncio
from types import TracebackType

FINEST, COARSEST = 0.02, 1.0  # seconds between two looks
LOOKS = 20  # looks within the shorter of the two limits: a wait may end late by such a share of it


class Deadlines:
    """Each wait may take `seconds` as a whole, and `idle` seconds between two steps of it."""

    def __init__(self, seconds: float, idle: float) -> None:
        self.seconds = seconds
        self.idle = idle
        self._every = min(max(min(seconds, idle) / LOOKS, FINEST), COARSEST)
        self.open: set[Deadline] = set()  # the deadlines that are watched
        self._timer: asyncio.TimerHandle | None = None

    def add(self, deadline: Deadline) -> None:
        """Watch this deadline from now on."""
        self.open.add(deadline)
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(self._every, self._look)

    def _look(self) -> None:
        loop = asyncio.get_running_loop()
        now = loop.time()
        for deadline in [one for one in self.open if one.by <= now]:
            self.open.remove(deadline)
            deadline.end()
        self._timer = loop.call_later(self._every, self._look) if self.open else None


class Deadline:
    """Around one wait of the task that enters it: a `TimeoutError` once it has taken too long."""

    __slots__ = ("_all", "_cancelling", "_last", "_task", "_time", "by", "idle", "passed")

    def __init__(self, all_of: Deadlines) -> None:
        self._all = all_of
        self.idle = False  # whether the time between two steps was what ended it
        self.passed = False

    @property
    def seconds(self) -> float:
        """How long the wait as a whole may take."""
        return self._all.seconds

    def __enter__(self) -> Deadline:
        task = asyncio.current_task()
        assert task is not None  # noqa: S101 - only tasks await
        self._task = task
        self._cancelling = task.cancelling()
        self._time = asyncio.get_running_loop().time
        self.by = self._last = self._time() + self._all.seconds
        self._all.add(self)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._all.open.discard(self)
        if self.passed and self._task.uncancel() <= self._cancelling and kind is asyncio.CancelledError:
            raise TimeoutError from error

    def step(self) -> None:
        """Note that something came: the next piece may take `idle` seconds again."""
        self.by = min(self._time() + self._all.idle, self._last)

    def hold(self) -> None:
        """Stop counting `idle` until the next step; the limit of the whole wait still counts."""
        self.by = self._last

    def end(self) -> None:
        """Cancel what the task waits for."""
        self.passed = True
        self.idle = self.by < self._last
        self._task.cancel()
