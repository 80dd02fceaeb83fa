"""What a run would send: the same walk, with a counter behind the journal. Nothing is sent or written."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from pipeline import tokens
from pipeline.domain import Reply, Request, Unanswered
from pipeline.engines import replay
from pipeline.job import Job
from pipeline.journal import Journal
from pipeline.results import Plan, StepPlan
from pipeline.session import Session
from pipeline.tally import Tally
from pipeline.walk import Branch, Walk

if TYPE_CHECKING:
    import polars as pl


async def plan_async(job: Job, records: pl.DataFrame | pl.LazyFrame | None = None) -> Plan:
    """What a run would send: requests and tokens by step. Nothing is sent, nothing is written."""
    session = Session.open(job, records)
    journal = Journal.read_only(job.folder / "journal.sqlite")
    try:
        return await _count(session, journal)
    finally:
        journal.close()


async def _count(session: Session, journal: Journal) -> Plan:
    steps = {stage.spec.name: StepPlan(stage.spec.name, stage.spec.model) for stage in session.stages}
    plan = Plan(steps=list(steps.values()))
    seen: set[int] = set()
    recall = replay.recalling(journal, Tally())

    async def ask(request: Request) -> Reply:
        step = steps[request.step]
        try:
            reply = await recall(request)
        except Unanswered:
            short = int.from_bytes(request.digest[:8])
            if short not in seen:
                seen.add(short)
                _expect(step, request)
            raise
        step.answered += 1
        return reply

    walk = Walk(session.stages, dict.fromkeys(session.job.models, ask))
    for batch in session.source.batches():
        for record in batch:
            plan.records += 1
            for leaf in await walk.leaves(record):
                rows = walk.rows_of(leaf)
                plan.rows += len(rows)
                plan.complete += len(rows) if leaf.status in ("ok", "skipped") else 0
                plan.failed += len(rows) if leaf.status == "failed" else 0
                if leaf.status == "pending":
                    _expect_later(plan.steps, session, leaf)
    return plan


def _expect(step: StepPlan, request: Request) -> None:
    step.missing += 1
    step.input_tokens += tokens.input_tokens(request)
    limit = tokens.output_limit(request)
    step.output_limit = None if limit is None or step.output_limit is None else step.output_limit + limit


def _expect_later(steps: list[StepPlan], session: Session, leaf: Branch) -> None:
    """Count the steps behind an unanswered one: at most one request for each of their branches."""
    branches = 1
    for step, stage in zip(steps[leaf.at + 1 :], session.stages[leaf.at + 1 :], strict=True):
        branches *= math.prod(len(values) for values in stage.spec.each.values())
        step.later += branches
