"""Signals: the first asks a run to end well, the second ends it at once. Ignored ones (`nohup`) stay ignored.

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

from pipeline.core.errors import Interrupted

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
_AT_ONCE = """
error: interrupted again ({}): ended at once, without waiting for what was sent
  what was answered is in the journal; the same command goes on
"""

_came: list[str] = []
"""the signals of this process that came before any run could hear them"""


def end_the_program() -> list[str]:
    """Let signals end the program in an orderly way, as Ctrl-C does; the names of those that came."""

    def handle(number: int, _: FrameType | None) -> None:
        _came.append(signal.Signals(number).name)
        raise KeyboardInterrupt

    for number in SIGNALS:
        if signal.getsignal(number) in (signal.SIG_DFL, signal.default_int_handler):
            signal.signal(number, handle)
    return _came


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
        if loop.is_closed():  # a run that was dropped in the middle: nobody is there to end well
            raise KeyboardInterrupt
        if asked:
            with suppress(OSError):
                os.write(2, _AT_ONCE.format(signal.Signals(number).name).encode())
            os._exit(Interrupted.exit_code)
        asked = True
        loop.call_soon_threadsafe(on_first, signal.Signals(number).name)

    deaf = (signal.SIG_IGN, None)
    before = {
        number: signal.signal(number, handle) for number in SIGNALS if signal.getsignal(number) not in deaf
    }
    if _came:  # whoever was interrupted by it has kept it to himself, as a finalizer does
        asked = True
        loop.call_soon(on_first, _came[0])
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
