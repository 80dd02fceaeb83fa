"""Tries of requests, and replies that took a while."""

from __future__ import annotations

from pipeline.core.domain import Reply
from pipeline.lanes.limits.limit import Ticket
from pipeline.money.estimate import Expected
from tests.support.fakes import asked

HOUR = 3600.0


def ticket(sent: float = 0.0) -> Ticket:
    """A try of some request."""
    return Ticket(asked("a"), lambda _: Expected(1, 1, 1), sent, sent)


def answered(seconds: float) -> Reply:
    """A reply that took so long."""
    return Reply("chat", b"", seconds)
