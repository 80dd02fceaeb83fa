"""What every limit of a lane can be asked, and the ticket that a request holds while it waits and works.

A limit never waits: it says how long it would, and is told what was let through and how that ended. So
whoever waits knows which limit holds it up, and time can be turned in tests.
This module does not know any limit.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from math import inf
from typing import TypeAlias

from pipeline.domain import Fault, Reply, Request

UNTIL_CHANGE = inf
"""a delay that ends when something else does: a slot is freed, a reply is settled, somebody resumes"""
End: TypeAlias = Reply | Fault | None
"""how a request ended; None where it was never sent"""


@dataclass(frozen=True, slots=True)
class Expected:
    """Tokens that a request is expected to use: `output` is nearly never passed, `most` is the worst it can

    come to, `mean` the average of such answers, where there were any.
    """

    input: float
    output: float
    most: float
    mean: float | None = None
    most_input: float | None = None
    """what its input can come to at the worst, where that is more than expected"""

    @property
    def tokens(self) -> float:
        """Input and output together."""
        return self.input + self.output

    @property
    def worst_input(self) -> float:
        """The most that its input can come to."""
        return max(self.input, self.most_input or 0.0)

    @property
    def usual(self) -> float:
        """The same, on average."""
        return self.input + (self.output if self.mean is None else self.mean)


@dataclass(eq=False)
class Ticket:
    """One try of one request in one lane. Times are seconds on the loop's clock.

    `expect` is asked at most once, and only where a limit wants to know.
    """

    request: Request
    expect: Callable[[Request], Expected]
    entered: float
    sent: float = -1.0
    """-1 while it waits"""

    @cached_property
    def expected(self) -> Expected:
        """What the request is expected to use."""
        return self.expect(self.request)


class Limit:
    """One thing that may hold requests up. `name` is what the user reads when it binds."""

    name = ""

    def delay(self, ticket: Ticket, now: float) -> float:
        """Seconds until the ticket may pass: 0 for now, `UNTIL_CHANGE` where time alone does not help.

        Raises a `Fault` where the ticket can never pass. Asking changes nothing.
        """
        return 0.0

    def take(self, ticket: Ticket, now: float) -> None:
        """Hear that the ticket passes now, all limits having said 0."""

    def settle(self, ticket: Ticket, end: End, now: float) -> None:
        """Hear how a ticket that had passed ended."""

    def use(self, now: float) -> float | None:
        """The share of this limit that is used, from 0 to 1; None where it has none."""
        return None
