"""What is behind the rows of a result: how many answers, what they cost, when the last of them came.

The cost of an answer that several rows share is that of the first of them, so the sum over all rows is what
they cost together. This module does not know where the facts come from.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime

from pipeline.core.domain import DOLLAR, frozen
from pipeline.engine.walk import Branch

Facts = Mapping[bytes, tuple[int, int, int, float]]
"""by digest: (answers, nano-dollars, paid replies without a price, Unix time of the latest answer)"""


@frozen
class Origin:
    """What is behind one row."""

    attempts: int
    cost: float | None
    """dollars; None where a price is not known"""
    date: str | None
    """in UTC; None where no model answered"""


class Origins:
    """The origins of all rows of a table, asked for in their order."""

    def __init__(self, look_up: Callable[[Sequence[bytes]], Facts]) -> None:
        self._look_up = look_up
        self._paid: set[bytes] = set()

    def of(self, rows: Sequence[Branch]) -> list[Origin]:
        """The origins of the next rows."""
        facts = self._look_up(list({digest for row in rows for digest in row.asked}))
        return [self._of(row, facts) for row in rows]

    def _of(self, row: Branch, facts: Facts) -> Origin:
        answers, cost, unpriced, latest = 0, 0, False, 0.0
        for digest in dict.fromkeys(row.asked):
            if digest not in facts:
                continue
            count, paid, without, at = facts[digest]
            answers, latest, unpriced = answers + count, max(latest, at), unpriced or bool(without)
            if digest[:8] not in self._paid:
                self._paid.add(digest[:8])
                cost += paid
        date = f"{datetime.fromtimestamp(latest, UTC):%Y-%m-%dT%H:%M:%SZ}" if latest else None
        return Origin(answers, None if unpriced else cost / DOLLAR, date)
