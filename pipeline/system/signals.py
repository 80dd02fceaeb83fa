"""Signals: the first ends a run in order, the second ends it at once. Ignored ones (`nohup`) stay ignored.

What is in the journal is safe either way. The handlers are the process' own, not the event loop's, so that
the second works even while the loop is busy. This module does not know how a run ends.
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

_came: list[str] = []  # signals that came before a run handled them


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
def heard(on_first: Callable[[str], None], *, anew: bool = False) -> Iterator[None]:
    """Handle signals in the main thread: `on_first` is called in the running loop with a signal's name.

    With `anew`, one that came before does not count.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    loop = asyncio.get_running_loop()
    asked = False

    def handle(number: int, _: FrameType | None) -> None:
        nonlocal asked
        if loop.is_closed():  # the run was dropped in the middle: there is nothing to end in order
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
    if _came and not anew:  # its KeyboardInterrupt was lost, for example in a finalizer
        asked = True
        loop.call_soon(on_first, _came[0])
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
