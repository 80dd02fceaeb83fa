"""The same walk with nobody behind the journal: one record after the other, in the order of the input.

Nothing is sent. This module does not write files.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator

import anyio
import anyio.lowlevel

from pipeline.core.domain import Record
from pipeline.engine.walk import Branch, Walk


async def rows(walk: Walk, batches: Iterator[list[Record]]) -> AsyncIterator[Branch]:
    """The leaf behind every row of the result, in the order of the rows."""
    for batch in batches:
        await anyio.lowlevel.checkpoint()  # a signal is heard between batches
        for record in batch:
            for leaf in await walk.leaves(record):
                for row in walk.rows_of(leaf):
                    yield row
