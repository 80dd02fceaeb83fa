"""Workers on this machine: one child that has imported all, and forks a worker for each process.

So the imports are paid for once, and their memory is shared. It forks before it has any thread, and again
where a worker has ended. On Linux a worker is killed with it, and it with the owner; everywhere both end when
their stream to the owner does. This module does not know what a worker does.
"""

from __future__ import annotations

import gc
import json
import os
import pickle
import select
import signal
import sys
import traceback
from base64 import b64decode, b64encode
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory

import anyio

from pipeline.core.errors import RunStopped
from pipeline.job.spec import Job
from pipeline.runs.workers.protocol import KEY_BYTES, Channel, Stranger, listen
from pipeline.system.child_process import Child, ChildFailed, child, end_with, settings_of

START_SECONDS = 60.0
LOOK_AGAIN = 0.1
"""seconds from one look for workers that have ended to the next"""
_LONGEST_PATH = 100
"""bytes of a socket's path; systems take a few more"""


@asynccontextmanager
async def processes(
    count: int, on_worker: Callable[[Channel], Awaitable[object]], job: Job
) -> AsyncIterator[None]:
    """So many workers, each with a call of `on_worker`; `RunStopped` where they do not start."""
    key = os.urandom(KEY_BYTES)
    with TemporaryDirectory(prefix="pipeline-") as folder:
        path = str(Path(folder) / "owner")
        server = await listen(path if len(path) < _LONGEST_PATH else ("127.0.0.1", 0), key, on_worker)
        settings = {"address": server.sockets[0].getsockname(), "key": key.hex(), "count": count}
        if not job.untrusted and not job.code.files:  # else a stranger's or the user's code would run there
            settings["job"] = b64encode(pickle.dumps(job)).decode()
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
    os.environ.setdefault(
        "OPENBLAS_NUM_THREADS", "1"
    )  # no threads before the fork, nor many processes' after
    from pipeline.providers.http import client  # noqa: F401 - most workers need it, and it takes long
    from pipeline.runs.workers.worker import work

    if "job" in settings:
        _prepare(pickle.loads(b64decode(settings["job"])))  # noqa: S301 - it comes from the owner
    gc.freeze()
    address, key = settings["address"], bytes.fromhex(settings["key"])
    address = address if isinstance(address, str) else tuple(address)
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


def _prepare(job: Job) -> None:
    """Load once what each worker would have to load: checks, patterns, and the model of languages."""
    from pipeline.engine.stages import stages_of
    from pipeline.text.language import best

    stages_of(job)
    if "language" in str(job.steps):
        best("any text")


def _work(mother: int, work: Callable[[], None]) -> None:
    """In a worker."""
    end_with(mother)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the owner hears it, and says what is to be done
    try:
        work()
    except (Stranger, OSError, TimeoutError):
        pass  # the owner has gone meanwhile
    except BaseException:  # it is in the last lines of what starts workers, which the owner shows
        traceback.print_exc()
        sys.stderr.flush()
    os._exit(0)


if __name__ == "__main__":
    main()
