"""Waiting for what other processes do."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path


def wait_for(holds: Callable[[], bool], seconds: float = 30) -> None:
    """Wait until something holds."""
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.01)


def wait_for_signal(folder: Path, times: int = 1) -> None:
    """Wait until the runs of a job have noted so many signals in its events."""
    events = folder / "output/shop/events.jsonl"
    wait_for(lambda: events.exists() and events.read_text().count('"run.interrupted"') >= times)
