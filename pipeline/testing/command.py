"""`python -m pipeline.testing`: the fake model as a server, until a signal or its parent ends it.

This module does not know what the model does, nor HTTP.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import signal
import stat
import sys
import threading
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from pipeline.core.errors import PipelineError
from pipeline.testing.ledger import Ledger
from pipeline.testing.script import Script
from pipeline.testing.service import Service

PARENT_CHECK_SECONDS = 0.25


def main(arguments: Sequence[str] | None = None) -> int:
    """Serve; the first line on standard output is the base URL. Gives the exit code."""
    options = _options(arguments)
    try:
        script = Script.read(options.script) if options.script else Script()
    except PipelineError as error:
        print(error, file=sys.stderr)
        return error.exit_code
    if options.latency is not None:
        script = Script.model_validate(script.model_dump() | {"latency": options.latency})
    try:
        with Ledger(options.ledger) as ledger:
            asyncio.run(_serve(Service(script, ledger), options))
    except (OSError, OverflowError) as error:
        why = getattr(error, "strerror", None) or error
        print(f"error: cannot serve on port {options.port}: {why}", file=sys.stderr)
        return 1
    return 0


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m pipeline.testing",
        description="A fake model on 127.0.0.1 that follows a script and keeps a ledger of what it billed.",
    )
    parser.add_argument("--port", type=int, default=0, help="0, the default, takes a free one")
    parser.add_argument("--latency", type=float, help="seconds an answer takes, over the script's")
    parser.add_argument("--ledger", type=Path, help="file the ledger is appended to; default: in memory")
    parser.add_argument("--script", type=Path, help="YAML or JSON file; default: answers everything")
    parser.add_argument("--state", type=Path, help="folder for files and batches; default: in memory")
    parser.add_argument("--with-parent", action="store_true", help="end when the parent or stdin ends")
    return parser.parse_args(arguments)


async def _serve(service: Service, options: argparse.Namespace) -> None:
    from pipeline.testing.server import serving  # aiohttp, not needed to say what is wrong with a script

    with_parent = options.with_parent
    parent = os.getppid()
    ended = asyncio.Event()
    loop = asyncio.get_running_loop()
    for signum in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(signum, ended.set)
    if with_parent and _is_pipe(0):
        threading.Thread(target=_await_end_of_input, args=(loop, ended), daemon=True).start()
    async with serving(service, options.port, options.state) as base_url:
        print(base_url, flush=True)
        while not ended.is_set() and not (with_parent and os.getppid() != parent):
            with suppress(TimeoutError):
                async with asyncio.timeout(PARENT_CHECK_SECONDS if with_parent else None):
                    await ended.wait()


def _is_pipe(descriptor: int) -> bool:
    try:
        mode = os.fstat(descriptor).st_mode
    except OSError:
        return False
    return stat.S_ISFIFO(mode) or stat.S_ISSOCK(mode)


def _await_end_of_input(loop: asyncio.AbstractEventLoop, ended: asyncio.Event) -> None:
    while os.read(0, 4096):
        pass
    loop.call_soon_threadsafe(ended.set)
