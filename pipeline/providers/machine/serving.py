"""A server that is started for a call, watched while it is used, and ended with it.

This module does not know what the server is, nor what is asked of it.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

from pipeline.core.domain import Call, Fate, Fault, Reply, Request
from pipeline.core.errors import RunStopped
from pipeline.system.child_process import Child, ChildFailed, child

_MEMORY = "there was too little memory: take a smaller model, or lower options.context and options.parallel"
_HINTS = {
    r"libgomp": "install the system's libgomp (on Debian and Ubuntu: libgomp1)",
    r"(?i)out of memory|outofmemory|bad_alloc|memoryerror|(?:cannot|failed to|unable to) allocate": _MEMORY,
    r"larger than the (?:available KV cache|maximum number of tokens)|ended with code (?:-9|137)": _MEMORY,
    r"(?i)address already in use|couldn't bind": "another program took the port meanwhile: run again",
    r"(?i)HF_HUB_OFFLINE|offline mode|LocalEntryNotFound|is not a local folder|couldn't connect to":
        "no model of that name is on this machine: name a path, or set options: {download: true}",
    r"(?i)gated repo|401 Client Error": "accept the model's licence at the hub, and export HF_TOKEN=…",
    r"(?i)repository not found|404 Client Error": "the hub has no model of that name",
    r"unrecognized arguments|invalid argument|error: argument": "check options.args",
    r"(?i)unknown model architecture|not recognize this architecture|architectures? .* not supported":
        "this version of the engine does not know the model's architecture: a newer version may",
    r"not ready after": "a large model takes longer to load: raise options.timeout",
}  # fmt: skip
"""what the last lines of a server say, and what to do then; the first that fits counts"""


@asynccontextmanager
async def serving(
    what: str, module: str, settings: Mapping[str, Any], seconds: float
) -> AsyncIterator[Child]:
    """A server as a child process; `ready["address"]` says where it listens. `what` is its name in words.

    Raises `RunStopped` with its last lines when it does not start.
    """
    try:
        async with child(module, settings, seconds=seconds) as server:
            yield server
    except ChildFailed as failure:
        said = str(failure)
        hint = next((hint for words, hint in _HINTS.items() if re.search(words, said)), "")
        raise RunStopped(f"{what} did not start: {failure}", hint=hint) from None


def watched(send: Call, server: Child, what: str) -> Call:
    """A call that stops the run at once when the server has ended: it does not come back."""

    async def call(request: Request) -> Reply:
        try:
            return await send(request)
        except Fault as fault:
            if fault.status or not await server.died():
                raise
            message = f"{what} ended with code {server.process.returncode}"
            raise Fault("server_died", f"{message}\n{server.last_lines()}".strip(), fate=Fate.STOP) from None

    return call
