"""A fallback answers what came to nothing, and what it answered is known from then on."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import Any

import pytest

from pipeline.core.domain import Billed, Call, Fate, Fault, Reply, Request
from pipeline.core.progress import Progress
from pipeline.job.models import Fallback, Limits, Model
from pipeline.journal.journal import Journal
from pipeline.journal.recall import find
from pipeline.lanes.guards.fallback import fallback
from pipeline.lanes.guards.lookup import lookup
from pipeline.lanes.lane import Lane, guarded
from pipeline.money.tariff import Tariff
from tests.support.clock import on_test_time
from tests.support.fakes import Events, Provider, again, asked, said
from tests.support.lanes import ask_in_turn, kept, shared_of

FREE = Tariff(None, free=True)


def question(text: str = "a") -> Request:
    """A request to one model, and the same to another for when that comes to nothing."""
    return replace(asked(text), model="first", instead=replace(asked(text, seed=2), model="second"))


def with_fallback(first: Provider, second: Provider, journal: Journal) -> Call:
    instead = lookup(kept(second, journal), journal, Progress(), {})
    return lookup(fallback(kept(first, journal), instead, Events()), journal, Progress(), {})


@pytest.mark.parametrize(
    "fault", [again(), again("unreachable", billed=Billed.NO), Fault("bad_request", "no")]
)
async def test_what_failed_unpaid_is_asked_of_the_other_and_then_known(
    fault: Fault, journal: Journal
) -> None:
    first, second = Provider([fault]), Provider([said("b")])
    reply = await with_fallback(first, second, journal)(question())
    assert (reply.model, reply.known) == ("second", False)
    reply = await with_fallback(first, second, journal)(question())
    assert (reply.model, reply.known) == ("second", True)
    assert (len(first.requests), len(second.requests)) == (1, 1)


async def test_what_was_paid_for_is_no_reason_to_pay_somebody_else(journal: Journal) -> None:
    first, second = Provider([Fault("too_large", "huge", billed=Billed.YES)]), Provider()
    for _ in range(2):
        with pytest.raises(Fault, match="too_large"):
            await with_fallback(first, second, journal)(question())
        await journal.settle()
    assert (len(first.requests), len(second.requests)) == (1, 0)


async def test_an_answer_of_the_other_counts_whatever_the_first_came_to(journal: Journal) -> None:
    journal.note(question(), Fault("too_large", "huge", billed=Billed.YES), 0.1)
    await journal.record(replace(asked("a", seed=2), model="second"), said("b"))
    reply = find(journal, question()).stands
    assert isinstance(reply, Reply)
    assert reply.model == "second"


async def test_a_fatal_fault_is_not_asked_of_another(journal: Journal) -> None:
    second = Provider()
    with pytest.raises(Fault, match="unauthorized"):
        await with_fallback(Provider([Fault("unauthorized", "key", fate=Fate.STOP)]), second, journal)(
            question()
        )
    assert second.requests == []


async def test_without_another_model_the_fault_is_the_rows(journal: Journal) -> None:
    call = fallback(Provider([Fault("bad_request", "no")]), Provider(), Events())
    with pytest.raises(Fault, match="bad_request"):
        await call(asked("a"))


async def test_the_first_models_own_answer_is_preferred_when_there_are_both(journal: Journal) -> None:
    await journal.record(replace(asked("a", seed=2), model="second"), said("b"))
    await journal.record(question(), said("a"))
    reply = find(journal, question()).stands
    assert isinstance(reply, Reply)
    assert (reply.model, reply.answer and reply.answer.text) == ("first", "a")


def chain(firsts: list[Provider], after: int | None = None, journal: Any = None) -> tuple[list[Any], Any]:
    """What came of ten requests to a first model with others behind it, and the journal."""

    async def main() -> list[Reply | Fault]:
        nonlocal journal
        shared = shared_of()
        shared.journal = journal = journal or shared.journal
        call = None
        for name, provider in reversed(list(zip("abc", firsts, strict=False))):
            limits = Limits(concurrency=9, retries=4, maybe_billed_retries=4)
            fallback = Fallback(model="z", after=after) if call else None
            model = Model(model=name, limits=limits, fallback=fallback)
            call = guarded(model, [(Lane(name, limits, FREE, shared), 1.0, provider)], shared, call)
        assert call is not None
        results: list[Any] = [None] * 10
        await ask_in_turn(call, [request(i) for i in range(10)], results, lambda: 3)
        return results

    results: list[Any] = on_test_time(main)
    return results, journal


def request(i: int) -> Request:
    c, b, a = (replace(asked(f"{i}", temperature=t), model=name) for t, name in enumerate("cba"))
    return replace(a, instead=replace(b, instead=c))


def test_a_chain_of_fallbacks_ends_with_whoever_answers_and_a_second_run_asks_nobody() -> None:
    good: Any = lambda request: Reply("chat", said(request.model).body)  # noqa: E731
    providers = [
        Provider([Fault("filtered", "no")]),
        Provider([Fault("context_length", "no")]),
        Provider([good]),
    ]
    results, journal = chain(providers)
    assert [result.model for result in results] == ["c"] * 10
    assert [len(provider.requests) for provider in providers] == [10, 10, 10]
    results, _ = chain(providers, journal=journal)
    assert [(result.model, result.known) for result in results] == [("c", True)] * 10
    assert [len(provider.requests) for provider in providers] == [10, 10, 10]


@pytest.mark.parametrize("after", [1, 2, 3])
def test_after_so_many_failed_tries_another_model_is_asked(after: int) -> None:
    tries: Counter[str] = Counter()

    def flaky(request: Request) -> Reply:
        tries[request.digest.hex()] += 1
        if len(tries) % 2:
            raise again("conflict", billed=Billed.NO)
        return said("x")

    results, _ = chain([Provider([flaky]), Provider()], after=after)
    assert all(isinstance(result, Reply) for result in results)
    assert max(tries.values()) <= after


def test_a_fault_that_stops_the_run_is_not_asked_elsewhere() -> None:
    second = Provider()
    results, _ = chain([Provider([Fault("unauthorized", "no", fate=Fate.STOP)]), second])
    assert not second.requests
    assert all(isinstance(result, Fault) for result in results)
