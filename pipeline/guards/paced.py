"""Requests and tokens a minute, first come, first served, without a burst.

aiolimiter's own queue serves the smallest amount first, so a long prompt could wait for ever behind
short ones; only the head of our queue touches it. A bucket holds one second's worth, and the rate is so
much lower that no sliding minute passes the limit.
"""

from __future__ import annotations

import anyio
from aiolimiter import AsyncLimiter

from pipeline import tokens
from pipeline.domain import Call, Reply, Request

MINUTE = 60.0


def bucket(per_minute: int) -> AsyncLimiter:
    """A leaky bucket that lets at most `per_minute` through in any 60 s."""
    if per_minute < 61:  # one at a time, evenly: a minute and a little for all of them
        return AsyncLimiter(1, (MINUTE + 0.05) / per_minute)
    size = per_minute / 61.0
    return AsyncLimiter(size, size * MINUTE / (per_minute - size))


async def _take(limiter: AsyncLimiter, amount: float) -> None:
    """Take an amount that may be larger than the bucket."""
    while amount > 0:
        part = min(amount, limiter.max_rate)
        await limiter.acquire(part)
        amount -= part


def paced(call: Call, rpm: int | None, tpm: int | None) -> Call:
    """A call that waits for its turn; the same call where there is no limit."""
    if rpm is None and tpm is None:
        return call
    gate = anyio.Lock(fast_acquire=True)
    requests = bucket(rpm) if rpm else None
    budget = bucket(tpm) if tpm else None

    async def ask(request: Request) -> Reply:
        async with gate:
            if budget:
                await _take(budget, min(tokens.reserved(request), tpm or 0))
            if requests:
                await requests.acquire()
        return await call(request)

    return ask
