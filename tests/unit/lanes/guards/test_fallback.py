"""A fallback answers what came to nothing, and what it answered is known from then on."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from pipeline.core.domain import Billed, Call, Fate, Fault, Reply, Request
from pipeline.core.progress import Progress
from pipeline.journal.journal import Journal
from pipeline.journal.recall import find
from pipeline.lanes.guards.fallback import fallback
from pipeline.lanes.guards.lookup import lookup
from tests.support.fakes import Events, Provider, again, asked, said
from tests.support.lanes import kept


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    opened = Journal.open(tmp_path / "journal.sqlite")
    yield opened
    opened.close()


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
