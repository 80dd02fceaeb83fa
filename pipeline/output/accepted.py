"""The rows of a job that wants a number of rows that are ok: those up to the last of them, in order.

For all other jobs it is every row. This module does not know why a row is not ok.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator

from pipeline.engine.walk import Branch


async def until_enough(
    rows: AsyncIterator[list[Branch]], wanted: int | None
) -> AsyncGenerator[list[Branch], None]:
    """The rows, batch by batch, up to the one with which so many are ok; all where none are wanted."""
    async for batch in rows:
        if wanted is None:
            yield batch
            continue
        for place, row in enumerate(batch, 1):
            wanted -= row.status == "ok"
            if not wanted:
                yield batch[:place]
                return
        yield batch


def in_table(rows: list[Branch], wanted: int | None) -> list[Branch]:
    """The rows of the table: all, or those that are ok where the job wants a number of these."""
    return rows if wanted is None else [row for row in rows if row.status == "ok"]
