"""What a run has done so far, in plain numbers, to be shown.

What all runs have cost is in the journal; these counters begin at zero with every run.
"""

from __future__ import annotations

import time
from collections import Counter, deque
from dataclasses import dataclass, field

from pipeline.core.domain import Fault, Reply, Usage
from pipeline.core.histogram import Histogram

WINDOW = 50  # rows over which failures are watched
MOST_REMARKS = 20
LONG_AGO = 20
"""answers after which an error is not shown any more"""


@dataclass
class Progress:
    """Counters of one run, written by the event loop only."""

    phase: str = "starting"
    since: float = field(default_factory=time.monotonic)
    """when the phase began, on the monotonic clock"""
    rows_expected: int = 0
    rows_before: int = 0
    """rows that were done when the run began; they say nothing about its speed"""
    steps: int = 0
    """steps that were taken, or need not be taken any more, since the asking began"""
    steps_new: int = 0
    """how many of them needed a request in this run"""
    steps_expected: int = 0
    """0 while nothing is asked"""
    ok: int = 0
    failed: int = 0
    skipped: int = 0
    pending: int = 0
    recalled: int = 0
    """requests that the journal answered"""
    missing: Counter[tuple[str, str]] = field(default_factory=Counter)
    """requests that the journal could not answer when the run began, by step and model"""
    sent: int = 0
    answered: int = 0
    in_flight: int = 0
    waiting: int = 0
    """requests that wait for their next try"""
    input_tokens: int = 0
    output_tokens: int = 0
    cached_tokens: int = 0
    """input tokens that a server had in its cache"""
    cost: int = 0
    """nano-dollars of the answers whose price is known"""
    unpriced: int = 0
    """answers whose price is not known, or whose tokens are not all counted"""
    most: int | None = 0
    """the most nano-dollars that all answers can have cost; None where a price is not known"""
    faults: Counter[str] = field(default_factory=Counter)
    latency: Histogram = field(default_factory=Histogram)
    """seconds that answered calls took"""
    recent: deque[bool] = field(default_factory=lambda: deque(maxlen=WINDOW))
    """of the last rows that cost a request in this run: whether they failed"""
    binding: str = ""
    """what holds the run up at the moment, by the name of the limit; '' where nothing can be done about it"""
    notice: str = ""
    """what a person has ordered: paused"""
    waits: str = ""
    """what the run waits for while it sends nothing, and until when"""
    last_error: str = ""
    """the last fault, also where the request was answered since"""
    troubles: dict[tuple[str, str], str] = field(default_factory=dict)
    """the last fault of each request that is not answered yet, by step and record"""
    last_failure: str = ""
    """why the last row failed"""
    answers_since: int = 0
    """answers that came after the last fault"""
    remarks: Counter[str] = field(default_factory=Counter)
    """what was odd about replies that were taken all the same, and how often"""
    told: Counter[str] = field(default_factory=Counter)
    """what soft checks say of the rows of the table, by the name of the check"""

    @property
    def rows(self) -> int:
        """Rows of the result that are finished."""
        return self.ok + self.failed + self.skipped + self.pending

    @property
    def work(self) -> tuple[int, int, int]:
        """What is done, what there is to do, and what this run did of it: steps while it asks, else rows."""
        if self.steps_expected:
            return self.steps, self.steps_expected, self.steps_new
        return self.rows, self.rows_expected, self.rows - self.rows_before

    def count(self, status: str, rows: int = 1) -> None:
        """More rows of this status."""
        setattr(self, status, getattr(self, status) + rows)

    @property
    def trouble(self) -> str:
        """The last fault that still matters: of a request that has no answer yet, or of a row that failed.

        It is '' where many answers have come since.
        """
        if self.answers_since >= LONG_AGO:
            return ""
        return next(reversed(self.troubles.values()), self.last_failure)

    def fault(self, fault: Fault, step: str, key: str) -> None:
        """One more attempt that brought nothing."""
        self.faults[fault.kind] += 1
        self.answers_since = 0
        self.troubles.pop((step, key), None)  # the latest stands last
        self.last_error = self.troubles[step, key] = str(fault)

    def fail(self, fault: Fault, step: str, key: str) -> None:
        """A row has failed: nothing more is tried for it."""
        self.troubles.pop((step, key), None)
        self.answers_since = 0
        self.last_error = self.last_failure = str(fault)

    def remark(self, remark: str) -> bool:
        """Count an oddity; True if it is the first of its kind, so that it is told once."""
        if len(self.remarks) == MOST_REMARKS and remark not in self.remarks:
            return False
        self.remarks[remark] += 1
        return self.remarks[remark] == 1

    def answer(self, reply: Reply, usage: Usage, step: str, key: str) -> None:
        """One more answer."""
        self.answered += 1
        self.answers_since += 1
        self.troubles.pop((step, key), None)
        self.latency.add(reply.seconds)
        self.input_tokens += usage.input
        self.output_tokens += usage.output
        self.cached_tokens += usage.cached
        self.unpriced += reply.cost is None
        self.cost += reply.cost or 0
        self.most = None if self.most is None or reply.most is None else self.most + reply.most

    def restart(self, phase: str, *, go_on: bool = False) -> None:
        """Begin another walk: count all rows anew, or, with `go_on`, only those that were pending."""
        self.phase = phase
        self.since = time.monotonic()
        self.pending = self.steps = self.steps_new = self.steps_expected = 0
        if not go_on:
            self.ok = self.failed = self.skipped = 0
