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

from pipeline.core.domain import Fault, Reply, Request
from pipeline.money.estimate import Expected

UNTIL_CHANGE = inf
"""a delay that ends when something else does: a slot is freed, a reply is settled, somebody resumes"""
End: TypeAlias = Reply | Fault | None
"""how a request ended; None where it was never sent"""


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
    counted: bool = True
    """whether it counts against the tries of its request; where the server may be down, it does not"""
    probe: bool = False
    """whether it asked for all others if the server is up again"""

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
