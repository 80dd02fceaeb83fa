"""Decides whether faults come from single requests or from the server.

A request is itself the cause where it fails again after another one, sent later, was answered. The server
may be the cause while several requests fail and nothing that was sent after them has been answered.
This module does not know what a fault is, nor what follows from it.
"""

from __future__ import annotations

from collections.abc import Iterable
from math import inf

from pipeline.lanes.limits.limit import Ticket


class Evidence:
    """What can be concluded from how one lane's requests ended. Times are seconds of one clock."""

    def __init__(self) -> None:
        self._good_at = -inf
        """when the latest request was sent that was answered"""
        self._bad_at: dict[bytes, float] = {}
        """when a request was sent that failed, and was not answered since"""
        self._blamed: set[bytes] = set()
        self._doubt = inf
        """since when something failed, and nothing that was sent later was answered"""
        self._doubtful: set[bytes] = set()

    def remember(self, digests: Iterable[bytes]) -> None:
        """Note requests that failed in an earlier run in which others were answered after them."""
        self._blamed.update(digests)

    def answered(self, ticket: Ticket) -> None:
        """Note an answer."""
        self._good_at = max(self._good_at, ticket.sent)
        self._blamed.discard(ticket.request.digest)
        self._bad_at.pop(ticket.request.digest, None)
        if ticket.sent > self._doubt:
            self._doubt = inf
            self._doubtful.clear()

    def failed(self, ticket: Ticket, now: float) -> bool:
        """Note a failure; True if the request itself is the cause."""
        digest = ticket.request.digest
        if self._bad_at.get(digest, inf) <= self._good_at:
            self._blamed.add(digest)
        self._bad_at[digest] = ticket.sent
        if digest in self._blamed:
            return True
        self._doubt = min(self._doubt, now)
        self._doubtful.add(digest)
        return False

    @property
    def in_doubt(self) -> bool:
        """Whether several have failed for which the server may be the cause."""
        return len(self._doubtful) > 1
