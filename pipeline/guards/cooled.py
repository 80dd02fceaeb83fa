"""When a server says how long to wait, nobody asks it before: one cool-down for all, not a herd."""

from __future__ import annotations

import anyio

from pipeline.domain import Call, Fault, Reply, Request


def cooled(call: Call) -> Call:
    """A call that waits out what the server told whoever asked last. Whoever waits here holds its slot."""
    until = 0.0

    async def ask(request: Request) -> Reply:
        nonlocal until
        while (left := until - anyio.current_time()) > 0:  # noqa: ASYNC110 - it may have moved on meanwhile
            await anyio.sleep(left)
        try:
            return await call(request)
        except Fault as fault:
            if fault.wait is not None:
                until = max(until, anyio.current_time() + fault.wait)
            raise

    return ask
