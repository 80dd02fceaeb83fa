"""Sends a request again after a passing fault; while it waits for its next try, it holds no slot.

Tries are counted by what they may have cost: faults that surely cost nothing have one allowance, those
that may have been billed a smaller one. A refusal for the rate (429) is not counted, and needs no wait here:
the whole lane cools down. The other waits are full jitter over a doubling range (Brooker, "Exponential
Backoff And Jitter", 2015).
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from math import inf
from random import uniform

import anyio
import anyio.lowlevel

from pipeline.core.domain import Billed, Call, Fate, Fault, Reply, Request
from pipeline.core.progress import Progress
from pipeline.job.models import Limits
from pipeline.journal.events import Events

LONGEST_WAIT = 60.0
REFUSED_ALIKE = 5
"""where so many first requests of a lane are all refused as wrong, and one from elsewhere, the run stops"""
REFUSED_ANYHOW = 50
"""the same for requests before any answer, while one of the first is still under way"""


def backoff(attempt: int) -> float:
    """Seconds before the attempt after `attempt` (1-based): anywhere below 1, 2, 4, … 60 s."""
    return uniform(0, min(LONGEST_WAIT, 2.0 ** min(attempt - 1, 6)))  # noqa: S311 - not a secret


def retry(
    call: Call,
    limits: Limits,
    after: int | None,
    events: Events,
    progress: Progress,
    answered_before: bool = False,
) -> Call:
    """A call that tries again. After `after` tries it gives up, because another model is asked instead."""
    alike = _Alike(answered_before)

    async def ask(request: Request) -> Reply:
        tries, number = _Tries(limits, after), alike.begin(request.weight)
        try:
            return await again_and_again(request, tries, number)
        finally:
            alike.begun.pop(number)

    async def again_and_again(request: Request, tries: _Tries, number: int) -> Reply:
        while True:
            try:
                reply = await call(request)
            except Fault as fault:
                wait = tries.wait_after(fault)
                if wait is None:
                    alike.count(number, fault)
                    raise
                request = replace(request, attempt=request.attempt + 1)
                who = {"step": request.step, "key": request.key, "attempt": request.attempt}
                events.info("request.retried", **who, kind=fault.kind, wait=round(wait, 3))
            else:
                alike.answered = True
                return reply
            await anyio.lowlevel.checkpoint()  # a loop of tries must let other tasks run
            if wait:
                with _waiting(progress):
                    await anyio.sleep(wait)

    return ask


@contextmanager
def _waiting(progress: Progress) -> Iterator[None]:
    progress.waiting += 1
    try:
        yield
    finally:
        progress.waiting -= 1


@dataclass
class _Tries:
    """The tries of one request."""

    limits: Limits
    after: int | None
    unbilled: int = 0
    maybe_billed: int = 0
    failed: int = 0

    def wait_after(self, fault: Fault) -> float | None:
        """Seconds until the next try, None where there is none."""
        if fault.fate is not Fate.RETRY:
            return None
        if fault.kind == "rate_limited" or fault.wait == 0.0:  # the lane cools down, or another one is free
            return 0.0
        if fault.counted:
            self.unbilled += fault.billed is Billed.NO
            self.maybe_billed += fault.billed is not Billed.NO
        counted = self.unbilled + self.maybe_billed
        self.failed += 1
        if self.after is not None and self.failed >= self.after:  # the fallback model is asked at once
            return None
        if self.unbilled > self.limits.retries or self.maybe_billed > self.limits.maybe_billed_retries:
            return None
        return backoff(max(counted, 1))  # the lane times the tries that are not counted


@dataclass
class _Alike:
    """Watches whether the first requests of a lane are all refused as wrong.

    A refusal comes sooner than an answer, so requests are numbered as they are sent, not as they come back.
    The first rows may be the wrong ones: a later one is asked too, and whatever waits that is shorter.
    """

    answered: bool = False
    last: int = 0
    begun: dict[int, int] = field(default_factory=dict)
    """the length of what is under way or waits, by number"""
    shortest: float = inf
    """the length of the shortest that was refused"""
    refused: int = 0
    of_the_first: int = 0

    def begin(self, length: int) -> int:
        """Count one more request; gives its number."""
        self.last += 1
        self.begun[self.last] = length
        return self.last

    def _elsewhere(self, number: int) -> bool:
        """Whether something waits that tells more: a later one or, where that was refused, a shorter one."""
        least = inf if self.refused == self.of_the_first else self.shortest
        return any(other > REFUSED_ALIKE and n < least for other, n in self.begun.items() if other != number)

    def count(self, number: int, fault: Fault) -> None:
        """Note a fault. Raises one that stops the run when all requests seem to be refused."""
        wrong = fault.kind == "bad_request"
        self.refused += wrong
        self.of_the_first += wrong and number <= REFUSED_ALIKE
        if wrong:
            self.shortest = min(self.shortest, self.begun[number])
        alike = self.of_the_first >= REFUSED_ALIKE and not self._elsewhere(number)
        alike = alike or self.refused >= REFUSED_ANYHOW
        if alike and not self.answered:
            later = self.refused - self.of_the_first
            others = f", and {later} later ones" if later else ""
            message = (
                f"the first {self.of_the_first} requests were all refused{others}; the last one: {fault}"
            )
            raise Fault("all_refused", message, fate=Fate.STOP) from None
