"""One record through its steps, with a fan-out over values. Nothing about HTTP, nothing about files.

A *branch* is a record on its way: it forks at a step with `each`, and every leaf becomes a row. Running,
planning and exporting are this same walk with another call.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from pipeline.answers.asking import Taken
from pipeline.answers.written import Complaint
from pipeline.core.domain import Call, Fate, Fault, Record, Rejected, Request, Unanswered, Values, frozen
from pipeline.core.redaction import redacted, telling
from pipeline.engine.stages import Stage


@frozen
class Branch:
    """A record, how far it has come, and what it has gathered: values of `each`, answers by step."""

    record: Record
    values: Mapping[str, Any]
    at: int = 0
    forked: bool = False
    skipped: frozenset[str] = frozenset()
    models: tuple[str, ...] = ()  # who wrote its answers, step by step
    fault: Fault | None = None
    known: bool = True  # whether nothing was sent for what it has gathered: the journal had it

    soft: tuple[Complaint, ...] = ()  # what soft checks say of its answers
    asked: tuple[bytes, ...] = ()  # the digests of all requests behind it, those to fallback models too

    @property
    def status(self) -> str:
        """ok, failed, skipped (a step's `when` gave false) or pending (not asked yet)."""
        if self.fault is not None:
            unasked = isinstance(self.fault, Unanswered) or self.fault.fate is Fate.STOP
            return "pending" if unasked else "failed"
        return "skipped" if self.skipped else "ok"


class Walk:
    """The way through the stages. `calls` has a call for every model that a step names."""

    def __init__(self, stages: Sequence[Stage], calls: Mapping[str, Call]) -> None:
        self.stages = stages
        self._calls = [_routed(calls, stage) for stage in stages]

    def start(self, record: Record) -> Branch:
        """The branch every record begins as."""
        return Branch(record, values={})

    def is_leaf(self, branch: Branch) -> bool:
        """Whether the branch is finished."""
        return branch.fault is not None or branch.at == len(self.stages)

    def fork(self, branch: Branch) -> Iterator[Branch]:
        """The branches that this one becomes, one for each value, in the job's order."""
        for fork in self.stages[branch.at].forks:
            yield replace(branch, forked=True, values={**branch.values, **fork})

    def forks(self, branch: Branch) -> bool:
        """Whether the branch forks before its next step."""
        return not branch.forked and bool(self.stages[branch.at].spec.forks)

    async def advance(self, branch: Branch) -> Branch:
        """The branch after its next step. If the step fails, the branch holds the fault."""
        stage = self.stages[branch.at]
        values, private = context(branch), branch.record.private
        call = self._calls[branch.at]
        try:
            left_out = branch.skipped and not stage.names.isdisjoint(branch.skipped)
            if left_out or (stage.when and not stage.when.holds(values)):
                return self._after(branch, stage, Taken(None), skipped=True)
            asked = telling(call, private) if private else call
            taken = await stage.runner.take(values, branch.record.key, asked)
        except Fault as fault:
            sent = fault.requests if isinstance(fault, Rejected) else ()
            return replace(branch, fault=redacted(fault, private), asked=(*branch.asked, *_digests(sent)))
        return self._after(branch, stage, taken)

    def _after(self, branch: Branch, stage: Stage, taken: Taken, *, skipped: bool = False) -> Branch:
        name = stage.spec.name
        return Branch(
            branch.record,
            {**branch.values, name: taken.value},
            at=branch.at + 1,
            models=(*branch.models, taken.by) if taken.by else branch.models,
            skipped=branch.skipped | {name} if skipped else branch.skipped,
            known=branch.known and taken.known,
            soft=(*branch.soft, *taken.soft) if taken.soft else branch.soft,
            asked=(*branch.asked, *_digests(taken.requests)),
        )

    async def leaves(self, record: Record) -> list[Branch]:
        """All leaves of a record, in the order of its rows."""
        leaves: list[Branch] = []
        await self.visit(record, leaves.append)
        return leaves

    async def visit(self, record: Record, take: Callable[[Branch], object]) -> None:
        """Give each leaf of a record to `take`, in the order of its rows, one after the other; keep none."""
        stack = [iter((self.start(record),))]
        while stack:
            branch = next(stack[-1], None)
            if branch is None:
                stack.pop()
                continue
            while not self.is_leaf(branch) and not self.forks(branch):
                branch = await self.advance(branch)
            if self.is_leaf(branch):
                take(branch)
            else:
                stack.append(self.fork(branch))

    def rows_under(self, branch: Branch) -> int:
        """How many rows a leaf stands for: as many as `rows_of` gives."""
        left = self.stages[branch.at + branch.forked :]
        return math.prod(stage.spec.branches for stage in left)

    def steps_from(self, at: int, forked: bool = False) -> int:
        """How many steps are still to be taken from a branch that is so far, to all of its rows."""
        steps, branches = 0, 1
        for i, stage in enumerate(self.stages[at:]):
            branches *= 1 if i == 0 and forked else stage.spec.branches
            steps += branches
        return steps

    def rows_of(self, branch: Branch) -> list[Branch]:
        """The rows a leaf stands for: one that ended before a fan-out still fills a row for each value."""
        rows = [branch]
        for i, stage in enumerate(self.stages[branch.at :]):
            if stage.spec.forks and not (i == 0 and branch.forked):
                rows = [replace(row, values={**row.values, **fork}) for row in rows for fork in stage.forks]
        return rows


def _routed(calls: Mapping[str, Call], stage: Stage) -> Call:
    """The call of a stage: to its own model, or to the one that a request names."""
    if stage.spec.asked == (stage.spec.model,):
        return calls[stage.spec.model]
    return lambda request: calls[request.via or stage.spec.model](request)


def _digests(requests: Iterable[Request]) -> Iterator[bytes]:
    return (one.digest for request in requests for one in request.either)


def context(branch: Branch) -> Values:
    """What a template sees: the record's columns, values of `each`, earlier answers, and `row`."""
    fields = branch.record.fields
    return {**fields, **branch.values, "row": fields}
