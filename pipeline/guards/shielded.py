"""What was sent is seen to its end: no cancellation reaches a request that may cost money."""

from __future__ import annotations

from anyio import CancelScope

from pipeline.domain import Call, Reply, Request


def shielded(call: Call) -> Call:
    """A call that, once begun, ends with its reply in the journal or with a fault of its own."""

    async def ask(request: Request) -> Reply:
        with CancelScope(shield=True):
            reply = await call(request)
        return reply  # noqa: RET504 - inside, a type checker would see a scope that may swallow it

    return ask
