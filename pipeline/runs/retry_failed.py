"""Finds the paid answers of failed rows, for a run that pays for them again.

This module sends nothing and changes nothing.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator

from pipeline.core.domain import Record, Rejected, Request
from pipeline.engine.in_order import InOrder
from pipeline.journal.journal import Journal


async def paid_failures(
    journal: Journal, walks: InOrder, batches: Iterator[list[Record]]
) -> AsyncIterator[Request]:
    """The paid requests of failed rows, each once; `walks` must ask the journal alone."""
    seen: set[bytes] = set()
    async for leaves in walks.rows(batches):
        rejected = (leaf.fault for leaf in leaves if isinstance(leaf.fault, Rejected))
        for request in (one for fault in rejected for first in fault.requests for one in first.either):
            if request.digest not in seen and journal.was_paid(request.digest):
                seen.add(request.digest)
                yield request
