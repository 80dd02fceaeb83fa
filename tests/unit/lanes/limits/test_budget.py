"""The budget against the server's own ledger: never passed, used up to the end, and added up to the last."""

from __future__ import annotations

from typing import Any

import anyio
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.core.domain import DOLLAR, Billed, Fate, Fault, Reply
from pipeline.job.models import Limits, Model, Price
from pipeline.job.spec import BudgetSpec
from pipeline.lanes.lane import Lane, guarded
from pipeline.lanes.limits.budget import Budgeted
from pipeline.lanes.limits.limit import Ticket
from pipeline.money.budget import WASTE_REQUESTS, Budget, Spent
from pipeline.money.estimate import Expected
from pipeline.money.prices import price_of
from pipeline.money.tariff import Tariff
from pipeline.providers.scripted import caller
from pipeline.testing.ledger import Account, Ledger
from pipeline.testing.script import FaultName, Latency, Rule, Script
from pipeline.testing.service import Service
from tests.support.clock import on_test_time
from tests.support.fakes import again, asked, outcomes
from tests.support.lanes import Outcome, numbered, shared_of, through_a_lane

pytestmark = pytest.mark.simulated

PRICE = price_of("m", "http://x", Price(input=1.0, output=10.0).model_dump(exclude_none=True))
TARIFF = Tariff(PRICE)
FAULTS: tuple[FaultName, ...] = (
    "server_error",
    "disconnect",
    "truncate_body",
    "garbage",
    "rate_limit",
    "huge",
)


def billed(account: Account) -> int:
    """Nano-dollars by the server's ledger."""
    assert PRICE is not None
    price = PRICE
    return account.cost(lambda line: price.cost(line.usage))


def kinds(outcome: Outcome) -> set[str]:
    return {result.kind for result in outcome.results if isinstance(result, Fault)}


@settings(max_examples=40)
@given(
    st.integers(0, 10**6),
    st.lists(st.tuples(st.sampled_from(FAULTS), st.sampled_from([0.02, 0.2])), max_size=3),
    st.sampled_from([1, 4, 32]),
    st.sampled_from([3, 40, 90]),
    st.sampled_from([0.01, 0.1, 0.5]),
)
def test_with_a_maximum_the_budget_is_never_passed(
    seed: int, faults: list[tuple[FaultName, float]], concurrency: int, tokens: int, share: float
) -> None:
    script = Script(
        seed=seed,
        latency=Latency(mean=1, jitter=1),
        tokens=tokens,
        faults=tuple(Rule(fault=fault, share=part) for fault, part in faults),
    )
    whole = 120 * (12 * 1000 + tokens * 10_000)
    budget = BudgetSpec(cost=share * whole / DOLLAR, maybe_billed=1000)
    limits = Limits(concurrency=concurrency, outage=60)
    outcome = through_a_lane(script, numbered(120, max_tokens=90), limits, tariff=TARIFF, budget=budget)
    assert billed(outcome.account) <= share * whole
    budget = outcome.shared.budget
    assert budget.spent.cost <= share * whole + 1
    assert (budget.held.cost, budget.held.tokens, budget.held.requests) == (0, 0, 0)
    assert budget.spent.cost >= billed(outcome.account)
    assert budget.spent.requests == outcome.account.requests
    assert kinds(outcome) <= {
        "out_of_budget",
        "outage",
        "refusing",  # three rules of refusals for the rate are enough for that
        "stopped",
        *(fault.kind for _, fault, _ in noted(outcome)),
    }


def noted(outcome: Outcome) -> list[Any]:
    journal: Any = outcome.shared.journal
    return list(journal.faults)


@settings(max_examples=25)
@given(st.integers(0, 10**6), st.sampled_from([1, 8, 64]), st.sampled_from([5, 600, 3000]))
def test_without_a_maximum_it_is_passed_by_no_more_than_what_was_under_way(
    seed: int, concurrency: int, tokens: int
) -> None:
    script = Script(seed=seed, latency=Latency(mean=1, jitter=1), tokens=tokens)
    one = 20_000 + tokens * 10_000
    budget = BudgetSpec(cost=50 * one / DOLLAR)
    outcome = through_a_lane(
        script, numbered(100), Limits(concurrency=concurrency), tariff=TARIFF, budget=budget
    )
    assert billed(outcome.account) <= 50 * one + concurrency * one


def test_the_run_stops_out_of_budget_and_nearly_all_of_it_was_used() -> None:
    script = Script(latency=1, tokens=90)
    outcome = through_a_lane(
        script,
        numbered(500, max_tokens=100),
        Limits(concurrency=16),
        tariff=TARIFF,
        budget=BudgetSpec(cost=0.1),
    )
    assert kinds(outcome) == {"out_of_budget"}
    assert 0.098 * DOLLAR <= billed(outcome.account) <= 0.1 * DOLLAR


@pytest.mark.parametrize(("budget", "most"), [(BudgetSpec(requests=57), 57), (BudgetSpec(tokens=5_000), 52)])
def test_requests_and_tokens_are_budgets_too(budget: BudgetSpec, most: int) -> None:
    script = Script(latency=1, tokens=90, faults=(Rule(fault="rate_limit", every=10, retry_after=1),))
    outcome = through_a_lane(
        script, numbered(100, max_tokens=90), Limits(concurrency=8), tariff=TARIFF, budget=budget
    )
    assert kinds(outcome) == {"out_of_budget"}
    assert outcome.account.requests == most if budget.requests else outcome.answered <= most
    assert outcome.account.input + outcome.account.output <= (budget.tokens or 10**9)
    assert outcome.answered >= 0.8 * most


def test_two_lanes_share_one_budget() -> None:
    async def main() -> tuple[list[Reply | Fault], int, int]:
        shared = shared_of(BudgetSpec(cost=0.05))
        ledgers, calls = [Ledger(), Ledger()], []
        for ledger in ledgers:
            lane = Lane("l", Limits(concurrency=8), TARIFF, shared)
            send = caller(Service(Script(latency=1, tokens=90), ledger))
            calls.append(guarded(Model(model="m"), [(lane, 1.0, send)], shared, None))
        requests = numbered(200, max_tokens=90)
        results: list[Reply | Fault] = []

        async def half(i: int) -> None:
            results.extend(await outcomes(calls[i], requests[i::2]))

        async with anyio.create_task_group() as group:
            group.start_soon(half, 0)
            group.start_soon(half, 1)
        costs = [billed(ledger.account()) for ledger in ledgers]
        return results, costs[0], costs[1]

    results, first, second = on_test_time(main)
    assert {result.kind for result in results if isinstance(result, Fault)} == {"out_of_budget"}
    assert 0.045 * DOLLAR <= first + second <= 0.05 * DOLLAR
    assert min(first, second) > 0


@pytest.mark.parametrize("fault", ["garbage", "truncate_body"])
def test_what_may_be_billed_for_nothing_has_a_cap_in_money(fault: Any) -> None:
    script = Script(latency=1, tokens=90, faults=(Rule(fault=fault, share=0.3),))
    budget = BudgetSpec(maybe_billed=0.02)
    outcome = through_a_lane(
        script, numbered(500, max_tokens=90), Limits(concurrency=4), tariff=TARIFF, budget=budget
    )
    assert "maybe_billed" in kinds(outcome)
    wasted = sum(cost or 0 for _, noted, cost in noted(outcome) if noted.billed is Billed.MAYBE)
    assert 0.02 * DOLLAR < wasted <= 0.02 * DOLLAR + 5 * 1_000_000


def test_without_a_cap_half_as_much_may_be_lost_as_was_answered_and_probes_do_not_count() -> None:
    budget = Budget(BudgetSpec())
    hand = Budgeted(budget, TARIFF)

    def lose(times: int, probe: bool) -> None:
        for _ in range(times):
            ticket = Ticket(asked("x"), lambda _: Expected(1, 1, 1), 0.0)
            hand.take(ticket, 0.0)
            ticket.probe = probe
            hand.settle(ticket, again(), 1.0)

    lose(1000, True)
    lose(WASTE_REQUESTS, False)
    assert budget.wasted() == ""
    lose(1, False)
    assert "may have been billed" in budget.wasted()
    with pytest.raises(Fault) as fault:
        hand.delay(Ticket(asked("x"), lambda _: Expected(1, 1, 1), 0.0), 2.0)
    assert (fault.value.kind, fault.value.fate) == ("maybe_billed", Fate.STOP)
    budget.good_before, budget.maybe_before = 10, 4
    assert budget.wasted() == ""
    budget.maybe_before = 1000
    assert "may have been billed" in budget.wasted()


def test_a_budget_that_is_raised_in_time_lets_the_run_go_on() -> None:
    results: list[Reply | Fault] = []

    async def main() -> None:
        shared = shared_of(BudgetSpec(requests=2))
        lane = Lane("l", Limits(concurrency=8), TARIFF, shared)
        send = caller(Service(Script(latency=10), Ledger()))

        async def enlarge() -> None:
            await anyio.sleep(5)
            shared.budget.spec = BudgetSpec(requests=20)
            shared.pump()

        call = guarded(Model(model="m"), [(lane, 1.0, send)], shared, None)
        async with anyio.create_task_group() as group:
            group.start_soon(enlarge)
            results.extend(await outcomes(call, numbered(20)))

    on_test_time(main)
    assert [isinstance(result, Reply) for result in results] == [True] * 20


def test_costs_add_up_to_the_ledgers_over_all_attempts() -> None:
    rules: tuple[Rule, ...] = (
        Rule(fault="garbage", share=0.02, times=1),
        Rule(fault="length", share=0.1),
        Rule(fault="rate_limit", share=0.1),
        Rule(fault="empty", share=0.05),
    )
    script = Script(latency=1, tokens=77, cached=0.25, reasoning=11, faults=rules)
    outcome = through_a_lane(script, numbered(600, max_tokens=300), Limits(concurrency=8), tariff=TARIFF)
    journal: Any = outcome.shared.journal
    answered = billed(Account(line for line in outcome.account.lines if line.fault != "garbage"))
    assert sum(journal.costs) == answered == outcome.shared.progress.cost
    worst = sum(cost or 0 for _, _, cost in journal.faults)
    assert billed(outcome.account) <= answered + worst
    assert outcome.shared.budget.spent.cost == answered + worst


def test_what_earlier_runs_spent_counts() -> None:
    budget = Budget(BudgetSpec(cost=1.0), Spent(cost=DOLLAR - 5))
    with pytest.raises(Fault, match="out_of_budget"):
        Budgeted(budget, TARIFF).delay(Ticket(asked("x"), lambda _: Expected(1, 1, 1), 0.0), 0.0)
