"""A request is counted exactly, in a thread, before it waits for its turn: a budget lets more through then.

This module does not know budgets.
"""

from __future__ import annotations

from anyio import to_thread

from pipeline.core.domain import Call, Reply, Request
from pipeline.money.estimate import Estimator
from pipeline.money.tokens import size


def count(call: Call, estimator: Estimator) -> Call:
    """A call whose request's exact size is known to the estimator while it is under way."""

    async def ask(request: Request) -> Reply:
        exact = await to_thread.run_sync(size, request)
        with estimator.knowing(request, exact):
            return await call(request)

    return ask
