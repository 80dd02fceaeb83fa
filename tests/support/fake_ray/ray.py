"""As much of Ray as the program uses, on one machine: an actor's work is a forked process.

`FAKE_RAY` says what goes wrong: `none` (it is not installed), `dies` (the first actor ends at once) or `far`
(no node reaches the owner).
"""

from __future__ import annotations

import os
import time
from types import SimpleNamespace
from typing import Any

if os.environ.get("FAKE_RAY") == "none":
    raise ImportError("there is no ray")


class RayError(Exception):
    """What all of Ray's errors are."""


class ActorDiedError(RayError):
    """A process is gone."""


class RayTaskError(RayError):
    """What an actor raised."""


exceptions = SimpleNamespace(RayError=RayError)
util = SimpleNamespace(get_node_ip_address=lambda: "127.0.0.1")
_ended: dict[int, int] = {}
_started = 0


def init(**how: Any) -> None:
    """Print as much as Ray does, where it does."""
    print("Connected to Ray cluster.", how["address"], how["namespace"])


def cluster_resources() -> dict[str, float]:
    """What all nodes have."""
    return {"CPU": 2.0}


def remote(kind: type) -> Any:
    """A class whose objects are actors."""
    return SimpleNamespace(options=lambda **_: SimpleNamespace(remote=lambda: _Actor(kind)))


class _Actor:
    def __init__(self, kind: type) -> None:
        self.run = SimpleNamespace(remote=lambda *parts: _forked(kind, parts))


def _forked(kind: type, parts: tuple[Any, ...]) -> int:
    global _started
    _started += 1
    dies = _started == 1 and os.environ.get("FAKE_RAY") == "dies"
    if pid := os.fork():
        return pid
    try:
        if os.environ.get("FAKE_RAY") == "far":
            parts = (parts[0], ("127.0.0.1", 1), *parts[2:])
        said = "" if dies else kind().run(*parts)
        os.write(2, said.encode())
        os._exit(9 if dies else 3 if said else 0)
    except BaseException as error:
        os.write(2, repr(error).encode())
        os._exit(4)


def wait(pids: list[int], timeout: float) -> tuple[list[int], list[int]]:
    """Those that have ended."""
    until = time.monotonic() + timeout
    while True:
        for pid in set(pids) - _ended.keys():
            found, status = os.waitpid(pid, os.WNOHANG)
            if found:
                _ended[pid] = os.waitstatus_to_exitcode(status)
        done = [pid for pid in pids if pid in _ended]
        if done or time.monotonic() > until:
            return done[:1], []
        time.sleep(0.02)


def get(pid: int) -> str:
    """What it gave."""
    code = _ended[pid]
    if code == 4:
        raise RayTaskError("Traceback\nModuleNotFoundError: No module named 'pipeline'")
    if code not in (0, 3):
        raise ActorDiedError
    return "" if code == 0 else "a node has version 0 of the program, and not 1"


def kill(actor: Any) -> None:
    """Nothing: these processes end with their owner."""
