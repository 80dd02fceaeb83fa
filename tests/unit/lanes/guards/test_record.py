"""Every reply and fault is in the journal, with what it used and cost; what goes out is counted."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from dataclasses import replace

import anyio
import pytest

from pipeline.core.domain import Billed, Fate, Fault, Reply, ServerLimits
from pipeline.core.progress import Progress
from pipeline.job.models import Limits
from pipeline.journal import accounts
from pipeline.journal.journal import Journal
from pipeline.lanes.guards.observe import observe
from pipeline.lanes.guards.record import shield
from pipeline.money.prices import price_of
from pipeline.money.tariff import Tariff
from tests.support.fakes import (
    Events,
    Provider,
    again,
    asked,
    chat_body,
    kept_reply,
    last_fault,
    outcomes,
    said,
)
from tests.support.lanes import around, kept


def attempts(journal: Journal, columns: str) -> list[tuple[object, ...]]:
    """Columns of all attempts, as another program finds them on the disk."""
    with closing(sqlite3.connect(journal.path)) as plain:
        return plain.execute(f"SELECT {columns} FROM attempts ORDER BY seq").fetchall()


PRICED = Tariff(price_of("m", "", {"input": 1.0, "output": 2.0}))
"""a thousand nano-dollars for a token of a prompt, two thousand for one of an answer"""


def used(text: str, prompt: int, answer: int) -> Reply:
    """A reply with what it used."""
    usage = b',"usage":{"prompt_tokens":%d,"completion_tokens":%d}}' % (prompt, answer)
    return Reply("chat", chat_body(text)[:-1] + usage)


async def test_an_unreadable_reply_is_kept_as_it_came_and_a_fault(journal: Journal) -> None:
    provider = Provider([Reply("chat", b"<html>oops"), said("x")])
    call = kept(provider, journal)
    with pytest.raises(Fault) as fault:
        await call(asked("a"))
    assert (fault.value.kind, fault.value.fate, fault.value.billed) == (
        "unreadable", Fate.RETRY, Billed.MAYBE,
    )  # fmt: skip
    assert kept_reply(journal, asked("a").digest) is None
    assert accounts.by_outcome(journal)[0][:4] == ("s", "unreadable", "maybe", 1)
    await call(asked("a"))
    assert kept_reply(journal, asked("a").digest) is not None


async def test_an_error_body_with_no_unicode_in_it_stops_nobody(journal: Journal) -> None:
    call = kept(Provider([Reply("chat", b'{"error": "\\ud800"}'), said("x")]), journal)
    with anyio.fail_after(5):
        with pytest.raises(Fault):
            await call(asked("a"))
        assert (await call(asked("a"))).answer is not None


async def test_a_fault_is_noted(journal: Journal) -> None:
    with pytest.raises(Fault):
        await kept(Provider([Fault("bad_request", "no")]), journal)(asked("a"))
    await journal.record(asked("b"), said("x"))
    fault = last_fault(journal, asked("a").digest)
    assert fault is not None
    assert fault.kind == "bad_request"


async def test_a_reply_is_counted_and_priced_by_what_its_server_says(journal: Journal) -> None:
    provider = Provider([used("x", 30, 500), said("y")])
    for text in "ab":
        await kept(provider, journal, PRICED)(asked(text))
    await journal.settle()
    (step,) = accounts.by_step(journal)
    assert (step.answered, step.input, step.output) == (2, 30, 500)
    assert step.cost == 30 * 1000 + 500 * 2000
    assert step.maybe > 0, "what its server did not count is held at its worst"
    assert step.unpriced == 0, "nor is it taken for a gift"
    assert journal.uncounted([]) == []


async def test_an_answer_without_a_price_is_counted_as_such_and_not_as_free(journal: Journal) -> None:
    await kept(Provider([used("x", 30, 500)]), journal, Tariff(None))(asked("a"))
    await journal.settle()
    (step,) = accounts.by_step(journal)
    assert (step.output, step.cost, step.unpriced) == (500, 0, 1)


@pytest.mark.parametrize("item", [again(), Reply("chat", b"<html>"), Fault("x", "y", billed=Billed.YES)])
async def test_what_may_have_been_billed_is_priced_at_its_worst(
    item: Fault | Reply, journal: Journal
) -> None:
    with pytest.raises(Fault):
        await kept(Provider([item]), journal, PRICED)(asked("a", max_tokens=70))
    await journal.settle()
    cost, _, attempts = accounts.spent(journal)
    assert attempts == 1
    assert 70 * 2000 < cost < 70 * 2000 + 100 * 1000


async def test_a_fault_that_cost_nothing_is_priced_at_nothing(journal: Journal) -> None:
    with pytest.raises(Fault):
        await kept(Provider([again("rate_limited", billed=Billed.NO)]), journal, PRICED)(asked("a"))
    await journal.settle()
    assert accounts.spent(journal) == (0, 0, 1)
    assert accounts.by_step(journal)[0].unpriced == 0


async def test_counts_are_of_what_goes_out(journal: Journal) -> None:
    progress, events = Progress(), Events()
    call = observe(kept(Provider([used("x", 3, 5)]), journal, PRICED), events, progress)
    await outcomes(call, [asked(f"secret {i}") for i in range(4)])
    assert (progress.sent, progress.answered, progress.in_flight) == (4, 4, 0)
    assert (progress.input_tokens, progress.output_tokens) == (12, 20)
    assert (progress.cost, progress.unpriced) == (4 * (3 * 1000 + 5 * 2000), 0)
    assert "secret" not in repr(events.seen)


async def test_a_cancelled_walk_lets_the_sent_request_be_journalled(journal: Journal) -> None:
    provider = Provider([said("x")], seconds=0.05)
    call = shield(kept(provider, journal))
    with anyio.move_on_after(0.01) as scope:
        await call(asked("a"))
        await anyio.sleep(1)
    assert scope.cancelled_caught
    assert kept_reply(journal, asked("a").digest) is not None


async def test_who_was_cancelled_before_sending_sends_nothing() -> None:
    provider = Provider(seconds=0.01)
    call, _ = around(provider, Limits(concurrency=1))
    async with anyio.create_task_group() as group:
        group.start_soon(outcomes, call, [asked(str(i)) for i in range(10)])
        await anyio.sleep(0.005)
        group.cancel_scope.cancel()
    assert len(provider.requests) == 1


async def test_a_reply_is_on_the_disk_with_its_cost_before_anyone_has_it(journal: Journal) -> None:
    reply = await kept(Provider([used("x", 30, 500)]), journal, PRICED)(asked("a"))
    cost = 30 * 1000 + 500 * 2000
    assert attempts(journal, "outcome, input, output, cost") == [("answered", 30, 500, cost)]
    assert reply.cost == cost


@pytest.mark.parametrize("error", [RecursionError, MemoryError, ValueError, KeyboardInterrupt])
@pytest.mark.parametrize("where", ["read", "most"])
async def test_whatever_reading_a_reply_raises_it_is_kept_as_it_came(
    error: type[BaseException], where: str, journal: Journal, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        raise error

    if where == "read":
        monkeypatch.setattr("pipeline.lanes.guards.record.read", broken)
    else:
        monkeypatch.setattr(Tariff, "most", broken)
    with pytest.raises(Fault if error is MemoryError else error) as caught:
        await kept(Provider([said("x")]), journal, PRICED)(asked("a"))
    if isinstance(caught.value, Fault):
        assert (caught.value.kind, caught.value.fate) == ("no_memory", Fate.STOP)
    assert attempts(journal, "outcome, body, input") == [("answered", said("x").body, None)]
    assert len(journal.uncounted([])) == 1, "a later run counts it"


async def test_a_paid_fault_is_on_the_disk_before_its_place_is_free(journal: Journal) -> None:
    with pytest.raises(Fault):
        await kept(Provider([Fault("too_large", "huge", billed=Billed.YES)]), journal)(asked("a"))
    assert attempts(journal, "outcome, billed") == [("too_large", "yes")]


async def test_the_wait_told_beside_an_unreadable_success_is_heard(journal: Journal) -> None:
    told = ServerLimits(rpm=7)
    busy = b'{"error": {"code": "rate_limit_exceeded", "message": "slow down"}}'
    for body in (b"<html>", busy):
        with pytest.raises(Fault) as caught:
            await kept(Provider([Reply("chat", body, wait=9.0, advertised=told)]), journal)(asked("a"))
        assert (caught.value.wait, caught.value.advertised) == (9.0, told)


async def test_a_private_value_in_an_error_is_in_no_message_of_the_journal(journal: Journal) -> None:
    body = b'{"error": {"code": "500", "message": "cannot take Ada Lovelace"}}'
    with pytest.raises(Fault) as caught:
        await kept(Provider([Reply("chat", body)]), journal)(replace(asked("a"), private=("Ada Lovelace",)))
    ((message,),) = attempts(journal, "message")
    assert "Ada" not in str(caught.value) and "Ada" not in str(message)
