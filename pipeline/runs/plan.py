"""What a run would send, and cost: the same walk, with a call that counts. Nothing is sent."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Set
from contextlib import closing
from dataclasses import dataclass, field

from pipeline.core.domain import DOLLAR, Fault, LookUp, Record, Reply, Request, Unanswered, Usage
from pipeline.core.progress import Progress
from pipeline.engine.equal_prompts import EqualPrompts
from pipeline.engine.in_order import InOrder
from pipeline.engine.stages import Stage
from pipeline.engine.walk import Branch
from pipeline.job.endpoints import places_of
from pipeline.job.spec import Job
from pipeline.journal import accounts, recall
from pipeline.journal.accounts import StepAccount
from pipeline.journal.journal import Journal
from pipeline.money import tokens
from pipeline.money.bound import Bound
from pipeline.money.estimate import Expected
from pipeline.money.lanes import LANES, resolved_lane, tier_of, why_not
from pipeline.money.tariff import Tariff, rehearsed, tariff_of
from pipeline.records.opening import Rows
from pipeline.runs.crowd.rounds import Rounds
from pipeline.runs.meaning.reading import Reading
from pipeline.runs.meaning.review import Review
from pipeline.runs.night.compared import compared, varied
from pipeline.runs.night.waiting import Waiting
from pipeline.runs.result import Plan, StepPlan
from pipeline.runs.retry_failed import keys_to_review, paid_failures
from pipeline.runs.session import Session
from pipeline.runs.warnings import warnings_of
from pipeline.translation import memory

FEW = 16
"""records that are looked at before a plan sees whether a job has as many rows as it wants"""


async def plan_async(job: Job, records: Rows | None = None, *, retry_failed: bool = False) -> Plan:
    """What a run would send: requests, tokens and money by step. Nothing is sent, nothing is written.

    With `retry_failed`: for a run that pays again for answers that were cut off, refused or rejected.
    """
    session = Session.open(job, records)
    with closing(Journal.read_only(job.folder / "journal.sqlite")) as journal:
        await Rounds.of(session).follow(recall.knowing(journal))
        return await _count(session, journal, await _failures(session, journal) if retry_failed else set())


async def _failures(session: Session, journal: Journal) -> set[bytes]:
    walks = InOrder(session.stages, recall.recalling(journal, Progress()))
    found = paid_failures(journal, walks, session.source.batches())
    keys = await keys_to_review(walks, session.source.batches())
    return {request.digest async for request in found} | set(keys)


@dataclass(frozen=True)
class _Asked:
    """A model that a step names: its tariff, and what is known of its answers."""

    name: str
    tariff: Tariff
    known: StepAccount | None
    lane: str
    by: Mapping[str, str]
    """for each lane of the plan: the one that this model goes by then"""

    def mean(self, request: Request, expected: Expected, lane: str) -> int | None:
        """Nano-dollars of a request by a lane."""
        tier = tier_of(lane)
        return self.tariff.mean(request.with_tier(tier) if tier else request, expected)

    def later(self, lane: str) -> float | None:
        """Dollars of a request that is like earlier ones; None where there were none."""
        one = self.known
        if one is None:
            return None
        taken, given, cached = (round(all_ / one.replies) for all_ in (one.input, one.output, one.cached))
        cost = self.tariff.sample(Usage(taken, given, cached), tier_of(lane))
        return None if cost is None else cost / DOLLAR

    @property
    def usual(self) -> float:
        """The output of an answer, on average; 0 where it is not known."""
        return self.known.output / self.known.replies if self.known else 0.0


@dataclass
class _Forecast:
    """One step's plan, with the models that it asks."""

    plan: StepPlan
    asked: Mapping[str, _Asked]
    """the models that the step names, by their names in the job; '' for its own"""
    critics: Mapping[str, int]
    bound: Bound
    by_lane: dict[str, float | None] = field(default_factory=lambda: dict.fromkeys(LANES, 0.0))
    """dollars by each lane"""

    def expect(self, request: Request, *, waits: bool) -> None:
        """Count a request; one that `waits` in a batch is not sent again."""
        if request.via not in self.critics:
            self._expect_critics(1, bounded=not waits)
        if waits:
            self.plan.in_batches += 1
            return
        plan, size, asked = self.plan, tokens.size(request), self.asked[request.via]
        output = asked.usual or size.limit or tokens.DEFAULT_OUTPUT
        expected = Expected(size.input, output, output)
        plan.missing += 1
        plan.input_tokens += round(size.input)
        plan.output_tokens += round(output)
        no_limit = size.limit is None or plan.output_limit is None
        plan.output_limit = None if no_limit else (plan.output_limit or 0) + (size.limit or 0)
        plan.cost = _sum(plan.cost, asked.mean(request, expected, asked.lane))
        for lane, cost in self.by_lane.items():
            self.by_lane[lane] = _sum(cost, asked.mean(request, expected, asked.by[lane]))
        plan.most = _sum(plan.most, self.bound.most(request))
        plan.no_bound = plan.no_bound or self.bound.why_not

    def expect_later(self, requests: int, *, items: bool = False, own: bool = True) -> None:
        """Count requests whose text is not known yet: at most so many, at the mean cost of earlier ones.

        With `items` each of them stands for a list: it is not known yet how many requests it brings.
        Without `own` only the models are asked that judge the answers.
        """
        requests *= self.bound.samples
        if own:
            self._later(requests, "", items)
        self._expect_critics(requests)

    def _expect_critics(self, answers: int, bounded: bool = False) -> None:
        for name, each in self.critics.items():
            self._later(answers * each, name, bounded=bounded)

    def _later(self, requests: int, via: str, items: bool = False, bounded: bool = False) -> None:
        plan, asked = self.plan, self.asked[via]
        plan.later, plan.items = plan.later + requests, plan.items or items
        if self.bound.free:
            return
        if not bounded:
            plan.most = None
            if not self.bound.why_not:
                prompts = f"the prompts of up to {plan.later:,} requests depend"
                what = "how many items there are depends" if plan.items else prompts
                plan.no_bound = f"{what} on missing answers"
        for lane, cost in self.by_lane.items():
            one = None if items else asked.later(asked.by[lane])
            self.by_lane[lane] = cost if cost is None or one is None else cost + one * requests
        if items or asked.known is None or not asked.tariff.known:
            plan.later_cost = None
        elif plan.later_cost is not None:
            plan.later_cost += asked.known.cost / asked.known.replies * requests / DOLLAR


def _sum(so_far: float | None, cost: int | None) -> float | None:
    return None if so_far is None or cost is None else so_far + cost / DOLLAR


async def _count(session: Session, journal: Journal, again: Set[bytes]) -> Plan:
    seen_before = {(one.step, one.model): one for one in accounts.by_step(journal) if one.replies}
    review = Review.of(session)
    stages = [*session.stages, *([review.stage] if review else [])]
    made = ((stage.spec.name, _forecast(session.job, stage, seen_before)) for stage in stages)
    forecasts = {name: forecast for name, forecast in made if forecast}
    plan = Plan(steps=[forecast.plan for forecast in forecasts.values()])
    waiting = Waiting(journal)
    _add_money(plan, session.job, journal, waiting)
    plan.warnings = list(map(str, warnings_of(session)))
    plan.chosen = session.source.chosen
    look_up = _counting(forecasts, recall.knowing(journal), again, waiting)
    equal = EqualPrompts(session.stages)
    walks = InOrder(session.stages, equal.noting(look_up))
    reading = Reading(session)
    for batch in _batches(session, plan):
        unfinished: set[int] = set()

        def count(place: int, leaf: Branch, unfinished: set[int] = unfinished) -> None:
            _add_leaf(plan, leaf, walks.rows_under(leaf))
            if review:
                reading.note(leaf, walks.rows_under(leaf))
            if leaf.status == "pending":
                unfinished.add(place)
                _expect_later(forecasts, session, leaf)

        walks.visit(batch, count)
        plan.records += len(batch)
        plan.unfinished += len(unfinished)
    plan.warnings += session.hand.said()
    if review and (plan.unfinished or not len(review.ledger)):
        forecasts[review.stage.spec.name].expect_later(review.later(reading.segments, reading.languages))
    elif review:
        review.judged(reading.sources, look_up)
    for step, rows in equal.rows().items():
        forecasts[step].plan.sharing = rows
    names = {model.name for one in forecasts.values() for model in one.asked.values()}
    costs = {lane: [one.by_lane[lane] for one in forecasts.values()] for lane in LANES}
    plan.lanes = list(compared(session.job, plan, names, costs))
    return plan


def _add_money(plan: Plan, job: Job, journal: Journal, waiting: Waiting) -> None:
    """What is spent, what open batches can cost, and what is left of the budget."""
    but, limits, held = rehearsed(job), job.budget, waiting.held
    real = [one for one in accounts.by_step(journal) if not but or not one.model.startswith(but)]
    plan.spent = sum(step.cost for step in real) / DOLLAR
    plan.maybe_spent = sum(step.maybe for step in real) / DOLLAR
    plan.in_batches, plan.in_batches_most = held.requests, held.cost / DOLLAR
    plan.budget = limits.cost
    _, tokens_used, requests_used = accounts.spent(journal, but)
    for name, most, gone in (
        ("tokens", limits.tokens, tokens_used + held.tokens),
        ("requests", limits.requests, requests_used + held.requests),
    ):
        if most is not None:
            plan.left_of[name] = (max(most - gone, 0), most)


def _batches(session: Session, plan: Plan) -> Iterator[list[Record]]:
    """All records; where the job wants a number of rows, until so many are ok: a run would end there."""
    wanted = session.job.accept
    if wanted is None:
        yield from session.source.batches()
        return
    for batch in session.source.batches(FEW):
        yield batch
        if plan.complete >= wanted:
            return


def _counting(
    forecasts: Mapping[str, _Forecast], recalled: LookUp, again: Set[bytes], waiting: Waiting
) -> LookUp:
    """A look-up that counts what is answered, and what a run would send: all that is missing, and `again`."""
    seen: set[int] = set()

    def counted(request: Request, outcome: Reply | Fault) -> Reply | Fault:
        forecast = forecasts[request.step]
        if request.api == memory.API and isinstance(outcome, Reply):
            return memory.without(request, outcome, again) if again else outcome
        if request.digest in again:
            outcome = Unanswered(request)
        if isinstance(outcome, Unanswered):
            short = int.from_bytes(request.digest[:8])
            if short not in seen:
                seen.add(short)
                forecast.expect(request, waits=request in waiting)
        elif isinstance(outcome, Reply):
            forecast.plan.answered += 1
        return outcome

    return lambda requests: list(map(counted, requests, recalled(requests)))


def _add_leaf(plan: Plan, leaf: Branch, rows: int) -> None:
    plan.rows += rows
    plan.complete += rows if leaf.status in ("ok", "skipped") else 0
    plan.failed += rows if leaf.status == "failed" else 0


def _forecast(job: Job, stage: Stage, seen_before: Mapping[tuple[str, str], StepAccount]) -> _Forecast | None:
    """What a step needs; None for one that asks nobody."""
    spec = stage.spec
    if stage.model is None:
        return None
    own = spec.asked[0]
    models = {"": own, **{name: name for name in spec.others}}
    asked = {
        via: _asked(job, name, seen_before.get((spec.name, job.models[name].model)))
        for via, name in models.items()
    }
    plan = StepPlan(spec.name, own, measured=asked[""].known is not None)
    return _Forecast(plan, asked, spec.critics, Bound(job, spec, stage.runner.repairs))


def _asked(job: Job, name: str, known: StepAccount | None) -> _Asked:
    model, compares = job.models[name], name in varied(job)
    lane = resolved_lane(model)
    by = {other: other if compares and not why_not(other, model) else lane for other in LANES}
    return _Asked(name, tariff_of(places_of(name, model)[0].model), known, lane, by)


def _expect_later(forecasts: Mapping[str, _Forecast], session: Session, leaf: Branch) -> None:
    """Count what comes after an unanswered request: of each later step one for each of its branches."""
    here, branches = session.stages[leaf.at].spec.name, 1
    if isinstance(leaf.fault, Unanswered) and leaf.fault.later:
        forecasts[here].expect_later(leaf.fault.later)
    for stage in session.stages[leaf.at + 1 :]:
        branches *= stage.spec.branches
        if forecast := forecasts.get(stage.spec.name):
            forecast.expect_later(branches, items=bool(stage.spec.item), own=stage.spec.asks)
