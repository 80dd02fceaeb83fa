"""What the journal adds up to, and what it says of requests that come."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from pipeline.core.domain import Billed, Fate, Fault, Reply, Usage
from pipeline.journal import accounts
from pipeline.journal.journal import Journal
from tests.support.fakes import asked, said


@pytest.fixture
def journal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Journal]:
    monkeypatch.setattr("pipeline.journal.writer.GATHER", 0)
    opened = Journal.open(tmp_path / "journal.sqlite")
    yield opened
    opened.close()


SOME = Usage(3, 5)


async def answer(journal: Journal, text: str, cost: int | None, usage: Usage = SOME) -> None:
    await journal.record(asked(text), said(text), usage, cost)


async def test_money_and_tokens_of_a_step_are_the_sums_of_its_rows(journal: Journal) -> None:
    await answer(journal, "a", 100, Usage(10, 20, 4, 0, 7))
    await answer(journal, "b", 50, Usage(1, 2))
    await answer(journal, "c", 30, Usage(1, 1))
    await journal.supersede(asked("c"))
    journal.note(asked("d"), Fault("timeout", "late", fate=Fate.RETRY, billed=Billed.MAYBE), 1, 9)
    await answer(journal, "uncounted by its server", 11, Usage())
    (step,) = accounts.by_step(journal)
    assert (step.attempts, step.answered, step.replies) == (5, 3, 3)
    assert (step.input, step.output, step.cached, step.reasoning) == (12, 23, 4, 7)
    assert (step.cost, step.maybe, step.maybe_billed, step.unpriced) == (180, 20, 1, 0)


async def test_what_comes_is_estimated_by_what_earlier_replies_have_cost(journal: Journal) -> None:
    of = {("s", "m"): 10}
    assert accounts.usual(journal, of) is None, "nothing is known yet"
    await answer(journal, "a", 100)
    await answer(journal, "b", 51)
    assert accounts.usual(journal, of) == 755
    assert accounts.usual(journal, of | {("other", "m"): 1}) is None, "nothing is known of one of them"


async def test_replies_without_a_price_make_no_estimate(journal: Journal) -> None:
    await answer(journal, "a", 100)
    await answer(journal, "b", None)
    assert accounts.usual(journal, {("s", "m"): 10}) is None


@pytest.mark.parametrize(
    ("share", "seconds"), [(0.0, 1.0), (0.1, 1.0), (0.11, 2.0), (0.5, 5.0), (0.95, 10.0), (1.0, 10.0)]
)
async def test_a_percentile_is_the_least_value_that_so_many_do_not_pass(
    share: float, seconds: float, journal: Journal
) -> None:
    for i in (3, 7, 1, 10, 5, 2, 9, 4, 8, 6):
        await journal.record(asked(str(i)), Reply("chat", b"{}", float(i)))
    journal.note(asked("failed"), Fault("timeout", "late", fate=Fate.RETRY), 99.0)
    await journal.settle()
    assert accounts.percentiles(journal, (share,)) == {"s": [seconds]}


async def test_a_step_without_answers_has_no_percentiles(journal: Journal) -> None:
    journal.note(asked("a"), Fault("timeout", "late", fate=Fate.RETRY), 9.0)
    await journal.settle()
    assert accounts.percentiles(journal, (0.5,)) == {}


async def test_failures_are_held_against_a_request_only_where_others_were_answered_after_them(
    journal: Journal,
) -> None:
    """What an outage has failed at the end says nothing of the requests."""
    down = Fault("server_error", "down", fate=Fate.RETRY)
    journal.note(asked("before an answer"), down, 0.1)
    journal.note(asked("before an answer"), down, 0.1)
    journal.note(asked("of another kind"), Fault("bad_request", "no"), 0.1)
    await answer(journal, "a", 1)
    journal.note(asked("in an outage"), down, 0.1)
    await journal.settle()
    found = accounts.failing(journal, "m", ["server_error", "timeout"])
    assert found == [asked("before an answer").digest]
    assert accounts.failing(journal, "other", ["server_error"]) == []


async def test_money_spent_and_money_wasted(journal: Journal) -> None:
    await answer(journal, "a", 100)
    journal.note(asked("b"), Fault("timeout", "late", fate=Fate.RETRY, billed=Billed.MAYBE), 1, 40)
    journal.note(asked("c"), Fault("rate_limited", "slow", fate=Fate.RETRY), 1, 0)
    await journal.settle()
    assert accounts.spent(journal) == (140, 8, 3)
    assert accounts.waste(journal) == (1, 1, 40)


async def test_the_cost_of_some_requests_is_what_was_surely_paid_and_not_what_stood_back(
    journal: Journal,
) -> None:
    await answer(journal, "a", 30)
    await journal.supersede(asked("a"))
    journal.note(asked("a"), Fault("timeout", "late", fate=Fate.RETRY, billed=Billed.MAYBE), 1, 40)
    await answer(journal, "a", 100)
    await answer(journal, "b", None)
    await answer(journal, "not asked about", 1000)
    digests = [asked(text).digest for text in ("a", "b", "never asked")]
    assert accounts.of_requests(journal, digests) == (100, 16, 1, 1)


async def test_the_latest_outputs_are_those_of_answers_that_were_counted(journal: Journal) -> None:
    for i, text in enumerate("abc", 1):
        await answer(journal, text, 1, Usage(1, i))
    await answer(journal, "uncounted", 1, Usage())
    assert accounts.latest_outputs(journal, 2) == [("s", "m", 3), ("s", "m", 2)]
    assert accounts.has_answered(journal, "m")
    assert not accounts.has_answered(journal, "other")


@pytest.mark.parametrize("at_once", [1, 4])
async def test_a_pace_counts_only_the_time_in_which_something_was_under_way(
    journal: Journal, at_once: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Forty answers of one server, the second half an hour later."""
    assert accounts.pace(journal, "m") is None
    now = 1e9
    monkeypatch.setattr("time.time", lambda: now)
    for i in range(40):
        now += 3.0 if i != 20 else 3600.0
        busy = 3.0 * min(i % 20 + 1, at_once)
        await journal.record(asked(str(i)), Reply("chat", b"{}", busy))
    rate, in_flight = accounts.pace(journal, "m") or (0.0, 0.0)
    assert rate == pytest.approx(1 / 3, rel=0.01)
    assert in_flight == pytest.approx(at_once, rel=0.2)
