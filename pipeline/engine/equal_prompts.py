"""How many rows share an answer, because a step has the same prompt for them: counted while they are walked.

Eight bytes of each request's digest are kept. This module does not know who answers.
"""

from __future__ import annotations

import math
from array import array
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from typing import TypeAlias

import polars as pl

from pipeline.core.domain import Fault, LookUp, Record, Reply, Request
from pipeline.engine.stages import Stage
from pipeline.engine.walk import Branch
from pipeline.translation import memory


class EqualPrompts:
    """Counts the equal prompts of each step; what is asked about an answer is no prompt of its own."""

    def __init__(self, stages: Sequence[Stage]) -> None:
        self._seen = {stage.spec.name: array("Q") for stage in stages}
        forks = [stage.spec.branches for stage in stages]
        self._rows = {stage.spec.name: math.prod(forks[i + 1 :]) for i, stage in enumerate(stages)}

    def noting(self, look_up: LookUp) -> LookUp:
        """The same look-up, which counts what it is asked."""

        def noted(requests: Sequence[Request]) -> Sequence[Reply | Fault]:
            for request in requests:
                if request.turns == 1 and not request.via and request.api != memory.API:
                    self._seen[request.step].append(int.from_bytes(request.digest[:8]))
            return look_up(requests)

        return noted

    @property
    def seen(self) -> dict[str, array[int]]:
        """What was kept of each step's prompts."""
        return self._seen

    def add(self, seen: Mapping[str, array[int]]) -> None:
        """Count what was seen elsewhere, too."""
        for step, prompts in seen.items():
            self._seen[step].extend(prompts)

    def rows(self) -> dict[str, int]:
        """By step, where there are any: rows whose prompt is that of another row."""
        equal = {
            step: int(pl.Series(seen, dtype=pl.UInt64).is_duplicated().sum())
            for step, seen in self._seen.items()
        }
        return {step: count * self._rows[step] for step, count in equal.items() if count}


Replay: TypeAlias = Callable[[Iterator[list[Record]], EqualPrompts], AsyncIterator[list[Branch]]]
"""the rows of the result for batches of records, in order, walked elsewhere; it counts their prompts"""
