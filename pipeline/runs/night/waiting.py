"""What the open batches hold, for commands that only look: which requests, and the most that they can cost.

A batch of which it is not known whether it was made is not counted. This module changes nothing.
"""

from __future__ import annotations

from collections.abc import Iterator

from pipeline.core.domain import Request
from pipeline.journal import batches, segments
from pipeline.journal.journal import Journal
from pipeline.money.budget import Spent


class Waiting:
    """The requests in batches that were submitted and are not collected: paid for, or under way."""

    def __init__(self, journal: Journal) -> None:
        self.held = Spent()
        """all that they can use; also those that no row of the job asks for any more"""
        self._select = journal.select
        self._digests = {line.digest for line in self._lines()}

    def _lines(self) -> Iterator[batches.Line]:
        for batch in batches.all_of(self._select):
            if batch.state == "submitted":
                for line in batches.lines_of(self._select, batch.mark):
                    self.held.add(Spent(line.cost, line.tokens, 1))
                    yield line

    def __contains__(self, request: Request) -> bool:
        """Whether it is in a batch, or a batch will bring what it asks for."""
        if not self._digests:
            return False
        asking = segments.asking(self._select, request.segments) if request.segments else ()
        return request.digest in self._digests or not self._digests.isdisjoint(asking)
