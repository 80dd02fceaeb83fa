"""Workers on this machine: one child that has imported all, and forks a worker for each process.

So the imports are paid for once, and their memory is shared. It forks before it has any thread, and again
where a worker has ended. On Linux a worker is killed with it, and it with the owner; everywhere both end when
their stream to the owner does. This module does not know what a worker does.
"""

from __future__ import annotations

import gc
import importlib
import json
import os
import select
import signal
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory

import anyio

from pipeline.core.errors import RunStopped
from pipeline.runs.workers.protocol import KEY_BYTES, Channel, Stranger, listen
from pipeline.system.child_process import Child, ChildFailed, child, end_with, settings_of

START_SECONDS = 60.0
LOOK_AGAIN = 0.1
"""seconds from one look for workers that have ended to the next"""
_USEFUL = tuple(
    f"pipeline.{name}." for name in ("answers", "providers", "steps", "text", "translation", "wire")
)
"""what a job has loaded of these is loaded before the fork"""


@asynccontextmanager
async def processes(count: int, on_worker: Callable[[Channel], Awaitable[object]]) -> AsyncIterator[None]:
    """So many workers, each with a call of `on_worker`; `RunStopped` where they do not start."""
    key = os.urandom(KEY_BYTES)
    with TemporaryDirectory(prefix="pipeline-") as folder:
        address = str(Path(folder) / "owner")
        server = await listen(address, key, on_worker)
        modules = [name for name in sys.modules if name.startswith(_USEFUL)]
        settings = {"address": address, "key": key.hex(), "count": count, "modules": modules}
        try:
            async with (
                child(__name__, settings, seconds=START_SECONDS) as mother,
                anyio.create_task_group() as group,
            ):
                group.start_soon(_watch, mother)
                yield
                group.cancel_scope.cancel()
        except ChildFailed as error:
            raise RunStopped(f"the worker processes do not start: {error}") from None
        finally:
            server.close()


async def _watch(mother: Child) -> None:
    await mother.process.wait()
    what = f"the process that starts workers has ended with code {mother.process.returncode}"
    raise RunStopped(what, hint=mother.last_lines())


def main() -> None:
    """Start workers, and others in the place of those that end, as long as the owner lives."""
    settings = settings_of(sys.stdin.buffer.readline())
    from pipeline.runs.workers.worker import work

    for module in settings["modules"]:
        with suppress(Exception):  # the worker that needs it says what is wrong
            importlib.import_module(module)
    gc.freeze()
    address, key = settings["address"], bytes.fromhex(settings["key"])
    alive, mother = 0, os.getpid()
    print(json.dumps({"ready": True}), flush=True)
    while True:
        while alive < settings["count"]:
            alive += 1
            if not os.fork():
                _work(mother, lambda: work(address, key))
        if select.select([sys.stdin], [], [], LOOK_AGAIN)[0]:  # its end is that of the owner
            os._exit(0)
        with suppress(ChildProcessError):
            while os.waitpid(-1, os.WNOHANG)[0]:
                alive -= 1


def _work(mother: int, work: Callable[[], None]) -> None:
    """In a worker."""
    end_with(mother)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the owner hears it, and says what is to be done
    code = 0
    try:
        work()
    except (Stranger, OSError, TimeoutError):
        code = 1  # the owner has gone meanwhile
    finally:
        sys.stderr.flush()
        os._exit(code)


if __name__ == "__main__":
    main()
