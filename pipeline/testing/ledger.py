"""What the fake model billed and refused: one line of JSON for each request, to check a bill against.

A line is written in one piece at the moment of billing, before the answer is sent, so it is there whatever
happens to the client. This module does not know why a request was billed.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Self

import orjson

from pipeline.core.domain import Usage

TWICE = "twice"
"""the fault of a ledger's line for a request that stands in two unfinished batches at once"""


@dataclass(frozen=True, slots=True)
class Line:
    """One request. `arrived` and `at`, the moment of billing or refusal, are seconds since 1970.

    `digest` is hexadecimal, as `domain.Request.digest` defines it for a first draw; `input` and `output` are
    tokens, 0 where nothing was billed, and include `cached`, `cache_written` and `reasoning`; `status` is 0
    where no answer was sent; `fault` is "" where none was scripted; `model` is as it was asked, "" where that
    was not read; `batch` is the batch that it was a line of, "" where it came by itself.
    """

    at: float
    arrived: float
    n: int
    digest: str
    billed: bool
    status: int
    input: int
    output: int
    fault: str
    model: str = ""
    cached: int = 0
    cache_written: int = 0
    reasoning: int = 0
    tier: str = ""
    batch: str = ""

    @property
    def usage(self) -> Usage:
        """The tokens that were billed."""
        return Usage(self.input, self.output, self.cached, self.cache_written, self.reasoning)

    def unpaid(self, at: float, why: str) -> Line:
        """The line where it came to no answer, nor to a bill."""
        return Line(at, self.arrived, self.n, self.digest, False, 0, 0, 0, why, self.model, batch=self.batch)


class Account:
    """What the lines of a ledger add up to."""

    def __init__(self, lines: Iterable[Line]) -> None:
        self.lines = tuple(lines)

    @cached_property
    def paid(self) -> Counter[str]:
        """How often each digest was billed."""
        return Counter(line.digest for line in self.lines if line.billed)

    @property
    def requests(self) -> int:
        return len(self.lines)

    @property
    def billed(self) -> int:
        return self.paid.total()

    @property
    def refused(self) -> int:
        """Requests that were not billed, faults included."""
        return self.requests - self.billed

    @property
    def repeats(self) -> int:
        """Digests billed more than once."""
        return sum(times > 1 for times in self.paid.values())

    @property
    def overpaid(self) -> int:
        """Bills beyond the first of each digest."""
        return self.billed - len(self.paid)

    @property
    def twice(self) -> int:
        """Lines of batches that were submitted while the same line was in another unfinished batch."""
        return sum(line.fault == TWICE for line in self.lines)

    @property
    def input(self) -> int:
        return sum(line.input for line in self.lines)

    @property
    def output(self) -> int:
        return sum(line.output for line in self.lines)

    def cost(self, price: Callable[[Line], int | None]) -> int:
        """The sum of all bills; `price` gives that of one line. ValueError where a line has no price."""
        costs = [price(line) for line in self.lines if line.billed]
        known = [cost for cost in costs if cost is not None]
        if len(known) < len(costs):
            raise ValueError(f"{len(costs) - len(known)} of {len(costs)} bills have no price")
        return sum(known)

    @property
    def peak(self) -> int:
        """The most requests between their arrival and their billing at one time, without those in batches."""
        ends = [(line.arrived, 1) for line in self._single] + [(line.at, -1) for line in self._single]
        inside = most = 0
        for _, change in sorted(ends):
            inside += change
            most = max(most, inside)
        return most

    @cached_property
    def _single(self) -> list[Line]:
        """The requests that came by themselves."""
        return [line for line in self.lines if not line.batch]

    def busiest(self, seconds: float) -> int:
        """The most requests that arrived in any window of that length."""
        times = sorted(line.arrived for line in self._single)
        most = start = 0
        for end, time in enumerate(times):
            while times[start] <= time - seconds:
                start += 1
            most = max(most, end - start + 1)
        return most

    def summary(self) -> dict[str, int]:
        """The counts, for JSON."""
        names = ("requests", "billed", "refused", "repeats", "overpaid", "input", "output", "peak")
        return {**{name: getattr(self, name) for name in names}, "busiest_minute": self.busiest(60)}


class Ledger:
    """Where the lines go: to the end of a file, or into memory where there is no path."""

    def __init__(self, path: Path | None = None) -> None:
        self.path = path
        self._memory: list[Line] = []
        self._file = None if path is None else os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)

    def write(self, line: Line) -> None:
        """Keep one line; in a file it is there when this returns, even if the process is killed then."""
        if self.path is None:
            self._memory.append(line)
        elif self._file is not None:
            os.write(self._file, orjson.dumps(line, option=orjson.OPT_APPEND_NEWLINE))

    def account(self) -> Account:
        """The account of all that was written so far, by earlier processes too where there is a file."""
        return Account(self._memory) if self.path is None else self.read(self.path)

    @staticmethod
    def read(path: Path) -> Account:
        """The account of a ledger's file. A last line that is still being written is left out."""
        whole = path.read_bytes().rpartition(b"\n")[0]
        return Account(Line(**orjson.loads(text)) for text in whole.splitlines())

    def close(self) -> None:
        if self._file is not None:
            os.close(self._file)
            self._file = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()
