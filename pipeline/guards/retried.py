"""A fault that asks for it is tried again, later; who waits holds no slot.

The wait is what the server told, never less, or else full jitter over a doubling range (Brooker,
"Exponential Backoff And Jitter", 2015). A refusal for its rate costs nothing, so it does not use up the
retries; it is bounded by time.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from random import uniform

import anyio

from pipeline.domain import Call, Fate, Fault, Reply, Request
from pipeline.log import Events
from pipeline.tally import Tally

LONGEST_WAIT = 60.0
PATIENCE = 3600.0
OUTAGE = 10


def backoff(attempt: int) -> float:
    """Seconds before the attempt after `attempt` (1-based): anywhere below 1, 2, 4, … 60 s."""
    return uniform(0, min(LONGEST_WAIT, 2.0 ** min(attempt - 1, 6)))  # noqa: S311 - not a secret


def retried(call: Call, retries: int, events: Events, tally: Tally) -> Call:
    """A call that tries again, and stops the run when requests on end come to nothing."""
    streak = _Streak()

    async def ask(request: Request) -> Reply:
        tries = _Tries(retries)
        while True:
            try:
                reply = await call(request)
            except Fault as fault:
                wait = tries.wait_after(fault)
                if wait is None:
                    streak.count(fault)
                    raise
                attempt = tries.attempts
                who = {"step": request.step, "key": request.key}
                events.info("request.retried", **who, kind=fault.kind, attempt=attempt, wait=wait)
            else:
                streak.end()
                return reply
            with _waiting(tally):
                await anyio.sleep(wait)

    return ask


@contextmanager
def _waiting(tally: Tally) -> Iterator[None]:
    tally.waiting += 1
    try:
        yield
    finally:
        tally.waiting -= 1


@dataclass
class _Tries:
    """The tries of one request."""

    retries: int
    counted: int = 0
    refused: int = 0
    waited: float = 0.0

    @property
    def attempts(self) -> int:
        return self.counted + self.refused

    def wait_after(self, fault: Fault) -> float | None:
        """Seconds until the next try, None where there is none."""
        if fault.fate is not Fate.RETRY:
            return None
        self.refused += fault.kind == "rate_limited"
        self.counted += fault.kind != "rate_limited"
        if self.counted > self.retries or self.waited > PATIENCE:
            return None
        told = fault.wait + uniform(0, 0.1 * fault.wait) if fault.wait else None  # noqa: S311 - not a secret
        wait = told or backoff(self.attempts)
        self.waited += wait
        return wait


@dataclass
class _Streak:
    """Requests on end that came to nothing, in one lane."""

    answered: bool = False
    given_up: int = 0
    refused: int = 0

    def end(self) -> None:
        """One was answered."""
        self.answered = True
        self.given_up = 0

    def count(self, fault: Fault) -> None:
        """One more. Raises a fault that stops the run when it looks as if all would go the same way:

        `OUTAGE` requests on end have used up their retries, the host was never reached, or the first
        `OUTAGE` requests of all were refused as wrong.
        """
        self.given_up += fault.fate is Fate.RETRY
        self.refused += fault.kind == "bad_request"
        unreached = fault.kind == "unreachable" and not self.answered
        if self.given_up >= OUTAGE or unreached:
            message = f"requests have used up their retries and none is answered; the last one: {fault}"
            raise Fault("outage", message, fate=Fate.STOP) from None
        if self.refused >= OUTAGE and not self.answered:
            message = f"the first {OUTAGE} requests were all refused; the last one: {fault}"
            raise Fault("all_refused", message, fate=Fate.STOP) from None
