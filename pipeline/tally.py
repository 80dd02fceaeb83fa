"""What a run has done so far, in plain numbers, for whoever shows it.

The truth about money is the journal; these counters begin at zero with every run.
"""

from __future__ import annotations

import time
from collections import Counter
from dataclasses import dataclass, field


@dataclass
class Tally:
    """Counters of one run, written by the event loop only."""

    phase: str = "starting"
    since: float = field(default_factory=time.monotonic)
    """when the phase began, on the monotonic clock"""
    rows_expected: int = 0
    rows_before: int = 0
    """rows that were done when the run began; they say nothing about its speed"""
    ok: int = 0
    failed: int = 0
    skipped: int = 0
    pending: int = 0
    recalled: int = 0
    """requests that the journal answered"""
    missing: int = 0
    """requests that the journal could not answer when the run began"""
    sent: int = 0
    answered: int = 0
    in_flight: int = 0
    waiting: int = 0
    """requests that wait for their next try"""
    input_tokens: int = 0
    output_tokens: int = 0
    faults: Counter[str] = field(default_factory=Counter)
    last_error: str = ""

    @property
    def rows(self) -> int:
        """Rows of the result that have come to their end."""
        return self.ok + self.failed + self.skipped + self.pending

    def count(self, status: str) -> None:
        """One more row of this status."""
        setattr(self, status, getattr(self, status) + 1)

    def restart(self, phase: str) -> None:
        """Begin another walk over the records: the rows are counted anew."""
        self.phase = phase
        self.since = time.monotonic()
        self.ok = self.failed = self.skipped = self.pending = 0


def counted(number: int, noun: str) -> str:
    """A number with its noun: 1 row, 1,200 rows."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"
