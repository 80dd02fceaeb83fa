"""Signals: the first asks a run to end well, the second ends it at once.

What is in the journal is safe either way. This module does not know what ending well means.
"""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable

import anyio

from pipeline.errors import Interrupted


async def listen(on_first: Callable[[str], None]) -> None:
    """Wait for SIGINT, SIGTERM or SIGHUP until cancelled; outside the main thread none can be heard."""
    if threading.current_thread() is not threading.main_thread():
        return
    asked = False
    with anyio.open_signal_receiver(signal.SIGINT, signal.SIGTERM, signal.SIGHUP) as signals:
        async for number in signals:
            if asked:
                os._exit(Interrupted.exit_code)
            asked = True
            on_first(signal.Signals(number).name)
