"""Signals: the first asks a run to end well, the second ends it at once.

What is in the journal is safe either way. The handlers are the process' own, not the event loop's, so that
the second is heard even while something keeps the loop busy. This module does not know what ending is.
"""

from __future__ import annotations

import asyncio
import os
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from types import FrameType

from pipeline.errors import Interrupted

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
_AT_ONCE = """
error: interrupted again ({}): ended at once, without waiting for what was sent
  what was answered is in the journal; the same command goes on
"""


@contextmanager
def heard(on_first: Callable[[str], None]) -> Iterator[None]:
    """Hear signals while it lasts; `on_first` is called in the running loop, with the signal's name.

    Outside the main thread none can be heard.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    loop = asyncio.get_running_loop()
    asked = False

    def handle(number: int, _: FrameType | None) -> None:
        nonlocal asked
        if asked:
            with suppress(OSError):
                os.write(2, _AT_ONCE.format(signal.Signals(number).name).encode())
            os._exit(Interrupted.exit_code)
        asked = True
        loop.call_soon_threadsafe(on_first, signal.Signals(number).name)

    before = {number: signal.signal(number, handle) for number in SIGNALS}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
