"""An event loop on test time: when nothing is ready, its clock jumps to the next timer.

`patience` is the real time it gives to threads (the journal's writer) before it jumps.
"""

from __future__ import annotations

import asyncio
import selectors
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any, TypeVar

import anyio

T = TypeVar("T")
TICK = 1e-7
"""seconds that a round of the loop takes: on a clock that stands still a rounding error waits for ever"""


class _Selector(selectors.DefaultSelector):  # type: ignore[valid-type,misc]
    """Tells the clock how long the loop would have slept, and does not sleep."""

    now = 0.0
    patience = 0.0

    def select(self, timeout: float | None = None) -> Any:
        ready = super().select(timeout if timeout is None else min(timeout, self.patience))
        if not ready and timeout is not None:
            self.now += max(timeout, TICK)
        return ready


class _Loop(asyncio.SelectorEventLoop):
    def __init__(self, patience: float) -> None:
        self._clock = _Selector()
        self._clock.patience = patience
        super().__init__(self._clock)

    def time(self) -> float:
        return self._clock.now


def on_test_time(main: Callable[[], Awaitable[T]], patience: float = 0.0) -> T:
    """Run `main` to its end, however many hours it sleeps."""
    return anyio.run(main, backend_options={"loop_factory": partial(_Loop, patience)})
