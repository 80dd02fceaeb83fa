"""Workers on the machines of a Ray cluster: one child that is Ray's driver, and an actor for each worker.

The child starts the actors, spread over the nodes, and others in the place of those that end with a node. An
actor calls the owner over TCP, and works as a worker on this machine does: Ray places and watches, and no
request goes through it. Ray never repeats what an actor did: the owner knows what was paid for. The actors
are detached, so they outlive a driver that is killed, finish what they have sent, keep its replies in a file,
and end. Ray prints much and has its own signals, so it is not imported here, but in the child alone.
"""

from __future__ import annotations

import json
import os
import select
import signal
import socket
import sys
import threading
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from functools import partial
from pathlib import Path
from typing import Any, NoReturn
from urllib.parse import urlsplit

import anyio

import pipeline
from pipeline.core.errors import JobError, PipelineError, RunStopped
from pipeline.job.spec import Job
from pipeline.runs.workers.protocol import KEY_BYTES, Channel, Stranger, listen
from pipeline.system.child_process import Child, ChildFailed, child, settings_of
from pipeline.system.packages import install_command

PACKAGE = "'ray>=2.60,<3'"
START_SECONDS, REACHED_SECONDS, FIRST_SECONDS = 120.0, 10.0, 120.0
UNUSED_SECONDS, ENDED_SECONDS = 60.0, 5.0
"""after which an actor ends that was never told to work, and one that has worked: its driver may be gone"""
AGAIN_SECONDS = 1.0
"""from the end of an actor to the start of another in its place"""
HEAD_SECONDS = 30
"""for which the head of a cluster may be silent; Ray's own minute is long for a run that is watched"""
MOST_AUTO = 32
LOST = ("ActorDiedError", "ActorUnavailableError", "NodeDiedError", "WorkerCrashedError", "OwnerDiedError")
"""Ray's names for an actor that is gone with its process or its node"""
_HINT = "is it running (`ray status`), and is this version of the program installed on every node?"


@asynccontextmanager
async def processes(
    job: Job, journal: Path, on_worker: Callable[[Channel], Awaitable[object]]
) -> AsyncIterator[None]:
    """The workers of a job's cluster, each with a call of `on_worker`; `RunStopped` where it cannot be used.

    Replies that cannot be handed over are kept beside the `journal`, where its folder is there.
    """
    assert job.engine is not None  # noqa: S101 - else nobody asks for a cluster
    key = os.urandom(KEY_BYTES)
    env = {"env": _variables(job), "key": key.hex(), "journal": str(journal)}
    settings = {**job.engine.model_dump(), **env}
    try:
        async with (
            child(__name__, settings, seconds=START_SECONDS) as driver,
            anyio.create_task_group() as group,
        ):
            if "host" not in driver.ready:
                raise _refusal(driver.ready.get("failed", ""))
            called = anyio.Event()

            async def joined(channel: Channel) -> None:
                called.set()
                await on_worker(channel)

            server = await _listening(driver, key, joined)
            try:
                group.start_soon(_watch, driver)
                group.start_soon(_await_first, called, driver.ready["host"])
                yield
                group.cancel_scope.cancel()
            finally:
                server.close()
    except ChildFailed:
        raise _refusal(f"it was not there after {START_SECONDS:g} seconds") from None


def _refusal(why: str) -> PipelineError:
    if why:
        return RunStopped(f"the cluster cannot be used: {why}", where="engine.address", hint=_HINT)
    hint = f"install the extra 'ray': {install_command(PACKAGE)}"
    return JobError("the engine ray needs the package ray", where="engine.kind", hint=hint)


def _variables(job: Job) -> dict[str, str]:
    """The variables that the models of a job read, as far as they are set: nodes may not have them."""
    names = {"OPENAI_API_KEY", "OPENAI_BASE_URL", "OPENAI_ORG_ID", "OPENAI_PROJECT_ID"}
    left: list[Any] = [model.model_dump() for model in job.models.values()]
    while left:
        one = left.pop()
        if isinstance(one, dict):
            names |= {name for key in ("api_key_env", "env") if isinstance(name := one.get(key), str)}
        left.extend(one.values() if isinstance(one, dict) else one if isinstance(one, list | tuple) else ())
    return {name: os.environ[name] for name in sorted(names) if name in os.environ}


async def _listening(driver: Child, key: bytes, on_worker: Callable[[Channel], Awaitable[object]]) -> Any:
    """A server that workers can call; the driver is told where."""
    host = driver.ready["host"]
    try:
        server = await listen((host, 0), key, on_worker)
    except OSError:
        what, hint = f"no worker can call this machine at '{host}'", "name an address of this machine"
        raise RunStopped(what, where="engine.host", hint=hint) from None
    assert driver.process.stdin is not None  # noqa: S101 - it got the settings
    await driver.process.stdin.send(b"%d\n" % server.sockets[0].getsockname()[1])
    return server


async def _await_first(called: anyio.Event, host: str) -> None:
    with anyio.move_on_after(FIRST_SECONDS):
        await called.wait()
    if not called.is_set():
        what = f"no worker has called this machine at {host} within {FIRST_SECONDS:g} seconds"
        hint = "has the cluster a free CPU (`ray status`), and can its nodes reach that address? Else set"
        raise RunStopped(what, where="engine.host", hint=f"{hint} engine.host to one that they can")


async def _watch(driver: Child) -> None:
    await driver.process.wait()
    said = driver.last_lines(1)
    if "GCS" in said:  # Ray's name for what the head does
        said = f"its head has not answered for {HEAD_SECONDS} seconds"
    raise RunStopped(f"the cluster cannot run workers: {said}", hint=_HINT)


class Actor:
    """A worker's process on a node. It ends when its owner is gone, and where nobody tells it to work."""

    def __init__(self) -> None:
        self._end = _end_in(UNUSED_SECONDS)

    def run(
        self, version: str, address: tuple[str, int], key: bytes, env: Mapping[str, str], journal: str
    ) -> str:
        """Work until the owner is gone; gives why this node cannot, '' where it could."""
        self._end.cancel()
        try:
            if version != pipeline.__version__:
                return f"a node has version {pipeline.__version__} of the program, and not {version}"
            from pipeline.runs.workers.segment import keep
            from pipeline.runs.workers.worker import work

            for name, value in env.items():
                os.environ.setdefault(name, value)
            with suppress(Stranger, OSError, TimeoutError):  # it has gone meanwhile
                work(address, key, partial(keep, Path(journal)))
            return ""
        finally:
            self._end = _end_in(ENDED_SECONDS)


def _end_in(seconds: float) -> threading.Timer:
    """End this process then."""
    timer = threading.Timer(seconds, os._exit, (0,))
    timer.daemon = True
    timer.start()
    return timer


def main() -> None:
    """Start actors, and others in the place of those that end, as long as the owner lives."""
    settings = settings_of(sys.stdin.buffer.readline())
    with os.fdopen(os.dup(1), "w") as out:
        os.dup2(2, 1)  # Ray prints on standard output, too
        os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
        os.environ.setdefault("RAY_gcs_rpc_server_reconnect_timeout_s", str(HEAD_SECONDS))
        try:
            import ray

            host, count = _joined(ray, settings)
        except Exception as error:
            said = "" if isinstance(error, ImportError) else str(error).strip().partition("\n")[0]
            print(json.dumps({"failed": said}), file=out)
            return
        print(json.dumps({"host": host}), file=out)
    port = int(sys.stdin.buffer.readline() or sys.exit(0))
    what = (bytes.fromhex(settings["key"]), settings["env"], settings["journal"])
    _supervise(ray, count, (pipeline.__version__, (host, port), *what))


def _joined(ray: Any, settings: Mapping[str, Any]) -> tuple[str, int]:
    """Join the cluster, or start one: where this machine can be called, and how many workers there are."""
    address, count = settings["address"], settings["workers"]
    if ":" in address:  # Ray would try for minutes
        place = urlsplit(address if "//" in address else f"//{address}")
        try:
            socket.create_connection((place.hostname or "", place.port or 0), REACHED_SECONDS).close()
        except OSError:
            raise ConnectionError(f"nobody answers at {address}") from None
    if address == "local" and not {"RAY_AUTH_TOKEN", "RAY_AUTH_TOKEN_PATH"} & os.environ.keys():
        os.environ["RAY_AUTH_TOKEN"] = os.urandom(
            KEY_BYTES
        ).hex()  # else Ray writes one where all can read it
    ray.init(address=address, namespace="pipeline", log_to_driver=False)
    signal.signal(signal.SIGTERM, _end)
    host = settings["host"] or ("127.0.0.1" if address == "local" else ray.util.get_node_ip_address())
    if count == "auto":
        count = min(MOST_AUTO, max(1, int(ray.cluster_resources().get("CPU", 1))))
    return host, count


def _end(*_: object) -> NoReturn:
    sys.exit(0)


def _supervise(ray: Any, count: int, work: tuple[Any, ...]) -> None:
    """Have so many actors at work until the owner is gone; a dead owner's actors end by themselves."""
    how = {"lifetime": "detached", "max_restarts": 0, "max_task_retries": 0, "num_cpus": 1}
    actor = ray.remote(Actor).options(**how, scheduling_strategy="SPREAD")
    at_work: dict[Any, Any] = {}
    try:
        while not select.select([sys.stdin], [], [], 0)[0]:  # its end is that of the owner
            while len(at_work) < count:
                one = actor.remote()
                at_work[one.run.remote(*work)] = one
            for ended in ray.wait(list(at_work), timeout=0.25)[0]:
                one = at_work.pop(ended)
                if said := _said(ray, ended):
                    sys.exit(said)
                time.sleep(AGAIN_SECONDS)
    except SystemExit:
        for one in at_work.values():  # some may still wait for a place
            ray.kill(one)
        raise


def _said(ray: Any, ended: Any) -> str:
    """Why no worker can work; '' where this one alone has ended."""
    try:
        said: str = ray.get(ended)
    except ray.exceptions.RayError as error:
        if type(error).__name__ in LOST:
            return ""
        return f"a node cannot run a worker: {str(error).strip().splitlines()[-1]}"
    return said


if __name__ == "__main__":
    main()
