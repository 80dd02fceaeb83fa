"""What a request will use, learned from what earlier ones of its step and model used.

Input is the offline count (by bytes, unless an exact one is asked for), corrected by what the server counts.
Output is what 95 in 100 answers stay below.
This module does not know prices, limits or how a request is sent.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from math import ceil
from statistics import median

from pipeline.core.domain import Request, Usage
from pipeline.core.histogram import Histogram
from pipeline.money.tokens import BYTES_PER_TOKEN, DEFAULT_OUTPUT, Size, size


@dataclass(frozen=True, slots=True)
class Expected:
    """Tokens that a request is expected to use.

    `output` is hardly ever passed, `most` is the largest possible output, `mean` the average output of
    earlier answers, if there were any.
    """

    input: float
    output: float
    most: float
    mean: float | None = None
    most_input: float | None = None  # the largest possible input, where that is more than expected

    @property
    def tokens(self) -> float:
        """Input and output together."""
        return self.input + self.output

    @property
    def worst_input(self) -> float:
        """The largest possible input."""
        return max(self.input, self.most_input or 0.0)

    @property
    def usual(self) -> float:
        """Input and output together, on average."""
        return self.input + (self.output if self.mean is None else self.mean)


USUAL = 0.95  # the share of answers that the expected output covers
FEW = 31  # up to so many answers say little about how large an answer can be
_LATER = 8


@dataclass
class _Seen:
    """What the requests of one step to one model used so far.

    `overrun` is the highest ratio of an answer's size to its maximum: not every server respects that.
    """

    replies: int = 0
    outputs: Histogram = field(default_factory=Histogram)
    ratios: deque[float] = field(default_factory=lambda: deque(maxlen=FEW))
    correction: float = 1.0
    overrun: float = 1.0

    def expected(self, size: Size) -> Expected:
        usual = self.outputs.quantile(USUAL) or size.limit or DEFAULT_OUTPUT
        most: float = max(1.5 * self.outputs.high, 4 * usual)
        if size.limit:
            most = ceil(size.limit * self.overrun)
        elif self.outputs.count < FEW:
            most = max(most, 4 * DEFAULT_OUTPUT)
        mean = min(self.outputs.mean, most) if self.outputs.count else None
        return Expected(size.input * self.correction, min(usual, most), most, mean, self._most_input(size))

    def _most_input(self, size: Size) -> float:
        """The input by the worst ratio seen; at first one token a byte, unless the count is exact.

        What pictures and recordings come to is a bound already.
        """
        worst = size.input * max(self.ratios, default=1.0)
        if len(self.ratios) >= FEW or size.exact:
            return worst
        return max(worst, (size.input - size.media) * max((BYTES_PER_TOKEN, *self.ratios)) + size.media)

    def compare(self, size: Size, usage: Usage) -> None:
        """Compare the estimate with what was used. Single odd replies hardly change a median."""
        if usage.input and size.input:
            self.ratios.append(usage.input / size.input)
            self.correction = median(self.ratios)
        if size.limit:
            self.overrun = max(self.overrun, usage.output / size.limit)


_UNSEEN = _Seen()


class Estimator:
    """The expectations of one lane. It goes by bytes, unless somebody has counted a request."""

    def __init__(self) -> None:
        self._sizes: dict[bytes, Size] = {}
        self._seen: dict[tuple[str, str], _Seen] = {}

    @contextmanager
    def knowing(self, request: Request, exact: Size) -> Iterator[None]:
        """Go by this size of a request meanwhile."""
        self._sizes[request.digest] = exact
        try:
            yield
        finally:
            self._sizes.pop(request.digest, None)

    def expect(self, request: Request) -> Expected:
        """Tokens that a request is expected to use; its output is the 95th percentile of earlier answers.

        Before there are any, it is the most that the request allows, or else `tokens.DEFAULT_OUTPUT`. `most`
        is what it allows, or else 1.5 times the largest seen, and at least 4 times the expected output.
        """
        return self._seen.get((request.step, request.model), _UNSEEN).expected(self._size(request))

    def remember(self, step: str, model: str, output: int) -> None:
        """Learn what an answer of an earlier run used."""
        if output:
            self._seen.setdefault((step, model), _Seen()).outputs.add(output)

    def learn(self, request: Request, usage: Usage) -> None:
        """Learn what a reply used; nothing where the server does not count."""
        if not (usage.input or usage.output):
            return
        seen = self._seen.setdefault((request.step, request.model), _Seen())
        seen.replies += 1
        largest = usage.output > seen.outputs.high
        if usage.output:
            seen.outputs.add(usage.output)
        if largest or seen.replies <= FEW or seen.replies % _LATER == 0:  # counting a text again takes time
            seen.compare(self._size(request), usage)

    def _size(self, request: Request) -> Size:
        return self._sizes.get(request.digest) or size(request, exact=False)
