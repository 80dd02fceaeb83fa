"""Finds the paid answers of failed rows and of refused segments, for a run that pays for them again.

This module sends nothing and changes nothing.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator

from pipeline.core.document import Translated
from pipeline.core.domain import Record, Rejected, Request
from pipeline.engine.in_order import InOrder
from pipeline.journal.journal import Journal


async def keys_to_review(walks: InOrder, batches: Iterator[list[Record]]) -> list[bytes]:
    """The keys of all segments for which no translation could be accepted, each once."""
    keys: dict[bytes, None] = {}
    async for leaves in walks.rows(batches):
        documents = (
            value for leaf in leaves for value in leaf.values.values() if isinstance(value, Translated)
        )
        for one in (one for document in documents for one in document.outcomes):
            keys |= dict.fromkeys(one.keys)
    return list(keys)


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
