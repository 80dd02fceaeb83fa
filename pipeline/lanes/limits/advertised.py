"""Sets the limits that the job leaves open to what the server's headers say.

This module does not read headers.
"""

from __future__ import annotations

from pipeline.core.domain import Fault, Reply, ServerLimits
from pipeline.job.models import Limits
from pipeline.lanes.limits.concurrency import Concurrency
from pipeline.lanes.limits.limit import End, Limit, Ticket
from pipeline.lanes.limits.rate import MINUTE, Rate, used_tokens
from pipeline.lanes.limits.rate_finder import RateFinder
from pipeline.money.estimate import Estimator

FILLING = 0.5
"""where answers take so many seconds or more, the server's bucket fills up meanwhile"""
SPARED = 3
"""of the requests that a server says are left, so many are not used: its number is a little old"""


class Advertised(Limit):
    """Applies what the server's headers say to the limits that the job leaves open."""

    def __init__(
        self,
        limits: Limits,
        rates: tuple[Rate, Rate, Rate],
        rate_finder: RateFinder,
        concurrency: Concurrency,
        estimator: Estimator,
    ) -> None:
        self.limits = limits
        """as the job, or a person, has set them"""
        self._rpm, self._tpm, self._rpd = rates
        self._rate_finder = rate_finder
        self._concurrency = concurrency
        self._estimator = estimator
        self._sent = self._since = self._most_left = 0
        self._number: dict[Ticket, int] = {}
        self._refused = False

    def _use_what_is_left(self, ticket: Ticket, told: ServerLimits, now: float) -> None:
        """Send at once what a bucket has left, until a refusal shows that others use it, too.

        What is left: what it had when the request came, plus what filled up since, less what was sent since.
        """
        if told.left is None or told.rpm is None or self._refused or now - ticket.sent < FILLING:
            return
        self._most_left = max(self._most_left, told.left + 1)
        filled = told.left + told.rpm / MINUTE * (now - ticket.sent)
        self._rpm.grant(now, min(filled, self._most_left) - self._since - SPARED)

    def take(self, ticket: Ticket, now: float) -> None:
        """Count it, to know later how many were sent after it."""
        self._sent += 1
        self._number[ticket] = self._sent

    def settle(self, ticket: Ticket, end: End, now: float) -> None:
        """Follow the headers of a reply or a refusal."""
        self._since = self._sent - self._number.pop(ticket, 0)
        if isinstance(end, Fault) and end.kind == "rate_limited" and not self._refused:
            self._refused = self._rpm.strict = self._tpm.strict = True
        if end is not None and end.advertised is not None:
            limits = self.limits
            if limits.rpm is None and end.advertised.rpm is not None:
                self._rate_finder.know(end.advertised.rpm)
                self._use_what_is_left(ticket, end.advertised, now)
            if limits.tpm is None and _is_possible(end.advertised.tpm, end):
                self._tpm.limit = end.advertised.tpm
            if limits.rpd is None and end.advertised.rpd is not None:
                self._rpd.limit = end.advertised.rpd
        self._concurrency.paced = self._rpm.rate is not None or self._tpm.limit is not None
        if isinstance(end, Reply) and end.answer is not None:
            self._estimator.learn(ticket.request, end.answer.usage)


def _is_possible(tpm: int | None, end: Reply | Fault) -> bool:
    """Whether the told limit can be true: not if the server's own reply used more than that."""
    used = used_tokens(end) if isinstance(end, Reply) else None
    return tpm is not None and tpm >= (used or 0)
