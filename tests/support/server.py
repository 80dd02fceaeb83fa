"""A scripted server in a thread of this process: ready at once, and as real to a client as one of its own.

The program's own `pipeline.testing.serve` starts a process, which takes a second of processor time. Tests
of that process, and tests with programs that must not share one with their server, use that one.
"""

from __future__ import annotations

import asyncio
import os
import tempfile
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import AbstractAsyncContextManager, contextmanager
from pathlib import Path
from threading import Thread

from pipeline.testing import Ledger, Script, Server
from pipeline.testing.server import serving
from pipeline.testing.service import Service

Serving = Callable[[Service], AbstractAsyncContextManager[str]]
"""a server for a service, whose base URL it gives"""


@contextmanager
def serve(
    script: Script | None = None, *, ledger: Path | None = None, serving: Serving = serving
) -> Iterator[Server]:
    """A server that follows a script and is gone on exit; `ledger` is the file that it adds to."""
    with tempfile.TemporaryDirectory(prefix="scripted-") as folder:
        path = ledger or Path(folder) / "ledger.jsonl"
        begun: Future[tuple[str, asyncio.AbstractEventLoop, asyncio.Event]] = Future()
        what = (script or Script(), path, begun, serving)
        thread = Thread(target=_serve, args=what, name="scripted", daemon=True)
        thread.start()
        base_url, loop, over = begun.result(10)
        try:
            yield Server(base_url, os.getpid(), path)
        finally:
            loop.call_soon_threadsafe(over.set)
            thread.join(10)


def _serve(
    script: Script,
    path: Path,
    begun: Future[tuple[str, asyncio.AbstractEventLoop, asyncio.Event]],
    serving: Serving,
) -> None:
    async def main() -> None:
        over = asyncio.Event()
        with Ledger(path) as ledger:
            async with serving(Service(script, ledger)) as base_url:
                begun.set_result((base_url, asyncio.get_running_loop(), over))
                await over.wait()

    try:
        asyncio.run(main())
    except BaseException as error:
        if begun.done():
            raise
        begun.set_exception(error)
