"""Requests and tokens a minute, first come, first served, without a burst.

aiolimiter's own queue serves the smallest amount first, so a long prompt could wait for ever behind
short ones; only the head of our queue touches it. A bucket holds one second's worth, and the rate is so
much lower that no sliding minute passes the limit.
"""

from __future__ import annotations

from dataclasses import dataclass

import anyio
from aiolimiter import AsyncLimiter

from pipeline import tokens
from pipeline.domain import Call, Reply, Request, Usage

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


@dataclass
class _Account:
    """Tokens set aside against tokens used: what a reply used beyond its share is owed by the next request,

    what it left is the next one's.
    """

    bucket: AsyncLimiter
    usual: float = tokens.DEFAULT_OUTPUT
    """what answers have had so far, on the way to their mean"""
    owed: float = 0.0

    async def take(self, expected: float) -> None:
        """Wait for so many tokens, and for what is owed."""
        amount, self.owed = expected + self.owed, 0.0
        if amount <= 0:
            self.owed = amount
        else:
            await _take(self.bucket, amount)

    def settle(self, expected: float, usage: Usage) -> None:
        """Hear what a reply really used."""
        if usage.output:
            self.owed += usage.input + usage.output - expected
            self.usual += (usage.output - self.usual) / 10


def paced(call: Call, rpm: int | None, tpm: int | None) -> Call:
    """A call that waits for its turn; the same call where there is no limit.

    A request sets aside its input and the most, or else the usual, output. Until the first replies have
    come, the usual output is a guess, and `tpm` can be passed by as much as it is wrong.
    """
    if rpm is None and tpm is None:
        return call
    gate = anyio.Lock(fast_acquire=True)
    requests = bucket(rpm) if rpm else None
    account = _Account(bucket(tpm)) if tpm else None

    async def ask(request: Request) -> Reply:
        expected = min(tokens.reserved(request, account.usual), tpm or 0) if account else 0
        async with gate:
            if account:
                await account.take(expected)
            if requests:
                await requests.acquire()
        reply = await call(request)
        if account and reply.answer:
            account.settle(expected, reply.answer.usage)
        return reply

    return ask
