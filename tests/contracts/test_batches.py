"""Every `BatchApi` behaves alike: against the same script, in process and over HTTP."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from pipeline.core.domain import Billed, Fault
from tests.support.batches import KINDS, MARK, opened, requests

pytestmark = pytest.mark.parametrize("kind", KINDS)
SOON = 0.02  # seconds that a batch takes here
COUNT = 40
ALL, NONE = (COUNT, COUNT), (0, 0)
SOME = (1, COUNT - 1)


def script(**rule: Any) -> dict[str, Any]:
    return {"batches": {"latency": SOON, "faults": [{"every": 1, **rule}] if rule else []}}


async def test_a_batch_is_answered_once_and_found_by_its_mark(kind: str, tmp_path: Path) -> None:
    asked = requests(COUNT)
    async with opened(kind, tmp_path, **script()) as at:
        made = await at.submit(asked)
        assert not made.ended and not made.files
        await at.submit(requests(3, start=COUNT), MARK.replace("job", "other"))
        state = await at.ended(made.id)
        assert (state.status, state.total, state.done, state.failed) == ("completed", COUNT, COUNT, 0)
        lines = await at.lines(state)
        assert [line.id for line in lines if line] == [request.digest.hex() for request in asked]
        assert {line.status for line in lines if line} == {200}
        assert await at.api.find(MARK) == state
        assert await at.api.find(MARK.replace("job", "nobody")) is None
        bills = [line for line in at.account().lines if line.batch == made.id]
        assert [bill.digest for bill in bills] == [request.digest.hex() for request in asked]
        assert {(bill.billed, bill.tier) for bill in bills} == {(True, "batch")}


OUTCOMES: dict[str, tuple[str, tuple[int, int], tuple[int, int], tuple[int, int], int]] = {
    # fault: its end; least and most lines that were answered well, that were billed, that came; doubled
    "expired": ("expired", (20, 20), (20, 20), ALL, 0),
    "no_output": ("completed", NONE, ALL, NONE, 0),
    "output_gone": ("completed", NONE, ALL, NONE, 0),
    "missing": ("completed", SOME, ALL, SOME, 0),
    "doubled": ("completed", ALL, ALL, (COUNT + 1, 2 * COUNT - 1), 1),
    "shuffled": ("completed", ALL, ALL, ALL, 0),
    "blank": ("completed", ALL, ALL, (COUNT + 2, 3 * COUNT - 2), 0),
    "cut": ("completed", SOME, ALL, ALL, 0),
    "line_429": ("completed", SOME, SOME, ALL, 0),
    "line_500": ("completed", SOME, SOME, ALL, 0),
    "other_tier": ("completed", ALL, ALL, ALL, 0),
    "token_limit": ("failed", NONE, NONE, NONE, 0),
}


@pytest.mark.parametrize("fault", OUTCOMES)
async def test_a_fault_is_seen_in_the_same_way(kind: str, fault: str, tmp_path: Path) -> None:
    status, good, billed, came, twice = OUTCOMES[fault]
    asked = requests(COUNT)
    async with opened(kind, tmp_path, **script(fault=fault)) as at:
        state = await at.ended((await at.submit(asked)).id)
        lines = await at.lines(state)
        account = at.account()
    answered = [line.id for line in lines if line and line.status == 200]
    assert state.status == status
    assert ("token_limit_exceeded" in state.message) == (fault == "token_limit")
    assert good[0] <= len(set(answered)) <= good[1]
    assert billed[0] <= account.billed <= billed[1] and account.overpaid == 0
    assert came[0] <= len(lines) <= came[1]
    assert (len(answered) > len(set(answered))) == bool(twice)
    assert set(answered) <= {request.digest.hex() for request in asked} & set(account.paid)
    assert (answered == sorted(answered, key=account_order(account.lines).index)) == (fault != "shuffled")


def account_order(lines: Sequence[Any]) -> list[str]:
    return [line.digest for line in lines]


@pytest.mark.parametrize("fault", ["create_500", "create_drop"])
async def test_what_was_made_behind_a_fault_is_found(kind: str, fault: str, tmp_path: Path) -> None:
    async with opened(kind, tmp_path, **script(fault=fault)) as at:
        with pytest.raises(Fault) as caught:
            await at.submit(requests(COUNT))
        assert caught.value.billed is Billed.MAYBE
        found = await at.api.find(MARK)
        assert found is not None
        assert len(await at.lines(await at.ended(found.id))) == COUNT


async def test_a_batch_that_stands_still_ends_when_it_is_cancelled(kind: str, tmp_path: Path) -> None:
    async with opened(kind, tmp_path, **script(fault="stall", part=0.25)) as at:
        batch = (await at.submit(requests(COUNT))).id
        while (await at.api.look(batch)).done < COUNT // 4:
            pass
        assert (await at.api.look(batch)).status == "running"
        assert (await at.api.cancel(batch)).status in ("ending", "cancelled")
        state = await at.ended(batch)
        assert state.status == "cancelled" and state.done == COUNT // 4 == at.account().billed
        assert sum(line is not None and line.status == 200 for line in await at.lines(state)) == state.done


async def test_what_is_under_way_at_a_cancel_is_answered_and_paid_for(kind: str, tmp_path: Path) -> None:
    slow = {"every": 1, "fault": "slow_cancel", "seconds": 0.1}
    async with opened(kind, tmp_path, batches={"latency": 4, "faults": [slow]}) as at:
        batch = (await at.submit(requests(1000))).id
        while not (before := await at.api.look(batch)).done:
            pass
        ending = await at.api.cancel(batch)
        assert ending.status == "ending"
        state = await at.ended(batch)
        assert state.status == "cancelled" and before.done < state.done < 1000
        assert state.done == at.account().billed


async def test_a_cancel_after_the_end_changes_nothing(kind: str, tmp_path: Path) -> None:
    async with opened(kind, tmp_path, **script()) as at:
        state = await at.ended((await at.submit(requests(COUNT))).id)
        assert await at.api.cancel(state.id) == state


async def test_a_batch_that_nobody_made_is_not_found(kind: str, tmp_path: Path) -> None:
    async with opened(kind, tmp_path, **script()) as at:
        for call in (at.api.look, at.api.cancel):
            with pytest.raises(Fault) as caught:
                await call("batch_of_nobody")
            assert caught.value.kind == "not_found"


async def test_a_batch_that_the_server_refuses_was_not_made(kind: str, tmp_path: Path) -> None:
    async with opened(kind, tmp_path, api_key="sk-right", **script()) as at:
        with pytest.raises(Fault) as caught:
            await at.submit(requests(COUNT))
        assert (caught.value.kind, caught.value.billed) == ("unauthorized", Billed.NO)


async def test_a_list_is_read_to_its_end(kind: str, tmp_path: Path) -> None:
    async with opened(kind, tmp_path, **script()) as at:
        marks = [f"job-1795703268-{number:016x}" for number in range(103)]
        made = [await at.submit(requests(1, start=number), mark) for number, mark in enumerate(marks)]
        for number in (0, 3, 102):
            found = await at.api.find(marks[number])
            assert found is not None and found.id == made[number].id
