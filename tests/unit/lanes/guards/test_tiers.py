"""Requests of the lane flex: a full tier costs nothing, uses up no try, and slows nothing else."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from itertools import pairwise
from random import Random
from typing import Any

import anyio
import orjson
import pytest

from pipeline.core.domain import Fault, Media, Reply, Request
from pipeline.job.models import Limits, Model
from pipeline.lanes.guards.tiers import LOOK_AGAIN, tiers
from pipeline.lanes.lane import Lane, Shared, guarded
from pipeline.money.tariff import Tariff
from pipeline.providers.scripted import caller
from pipeline.testing.ledger import Ledger
from pipeline.testing.script import Rule, Script
from pipeline.testing.service import Service
from tests.support.clock import on_test_time
from tests.support.fakes import Provider, again, asked, said
from tests.support.lanes import ask_in_turn, numbered, shared_of

FREE = Tariff(None, free=True)
FULL: dict[str, dict[str, Any]] = {
    "OpenAI": {"status": 429, "code": "resource_unavailable", "message": "Resource unavailable"},
    "words alone": {"status": 429, "message": "Resource unavailable. Try again later."},
    "Groq": {"status": 498, "code": "capacity_exceeded", "message": "Flex tier capacity exceeded"},
    "with a wait": {"status": 429, "code": "resource_unavailable", "headers": {"retry-after": "90"}},
}


def full(said: dict[str, Any], **when: Any) -> Rule:
    """A rule that refuses what asks for flex."""
    return Rule(fault="rate_limit", match='"service_tier":"flex"', **said, **when)


def lane_of(name: str, script: Script, ledger: Ledger, shared: Shared, lane: Any) -> Any:
    limits = Limits(concurrency="auto", retries=0, maybe_billed_retries=0, timeout=60)
    one = Lane(name, limits, FREE, shared)
    model = Model(model="m", limits=limits, lane=lane)
    send = caller(Service(script, ledger), timeout=limits.timeout, patience=900)
    return guarded(model, [(one, 1.0, send)], shared, None, name), one


@pytest.mark.parametrize("body", [b'{"model":"m"}', b'{"model":"m","text":"\\"service_tier\\":1"}'])
@pytest.mark.parametrize("media", [False, True])
def test_the_tier_is_in_what_is_sent_and_not_in_the_digest(body: bytes, media: bool) -> None:
    mark = b'"mark-of-a-picture"'
    request = Request(
        "chat", "m", body, media=(Media("image/png", 3, mark, load=lambda: b'"abc"'),) if media else ()
    )
    if media:
        request = replace(request, body=body[:-1] + b',"picture":' + mark + b"}")
    flex = request.with_tier("flex")
    assert flex.digest == request.digest == replace(flex, step="other").digest and flex == request
    expected = {"service_tier": "flex", **orjson.loads(request.sent)}
    assert list(orjson.loads(flex.sent).items()) == list(expected.items())
    assert request.with_tier("batch").sent == request.sent, "a batch is no word of the body"
    assert (b"abc" in flex.sent) == media


@pytest.mark.parametrize("name", FULL)
@pytest.mark.parametrize("seed", range(4))
def test_a_full_tier_neither_slows_a_model_beside_it_nor_ends_the_run(name: str, seed: int) -> None:
    """The same requests go to a model without flex, alone and beside one whose tier is full for an hour."""
    random = Random(seed)
    rows, opens = random.randrange(50, 200), random.choice([700.0, 3600.0])

    async def main(storm: bool) -> tuple[float, Any, Ledger, Shared, Lane]:
        shared, ledger = shared_of(), Ledger()
        shared.lane_of = lambda model: "flex" if model == "night" else "sync"
        script = Script(latency=1, faults=(full(FULL[name], during=(0.0, opens)),))
        beside, lane = lane_of("day", Script(latency=1), Ledger(), shared, "sync")
        flex, own = lane_of("night", script, ledger, shared, "flex")
        seconds: list[float] = []
        results: list[Any] = [None] * 40
        with shared.fuse.scope:
            async with anyio.create_task_group() as group:
                if storm:
                    hands = lambda: 16 + shared.progress.waiting  # noqa: E731 - as a run has them
                    group.start_soon(ask_in_turn, flex, numbered(40), results, hands)
                    await anyio.sleep(3)
                began = anyio.current_time()
                answers: list[Any] = [None] * rows
                await ask_in_turn(beside, numbered(rows, n=seed), answers, lambda: 2 * lane.concurrency.width)
                seconds.append(anyio.current_time() - began)
        shared.fuse.check()
        assert all(isinstance(one, Reply) for one in answers)
        return seconds[0], results, ledger, shared, own

    alone, *_ = on_test_time(partial(main, False))
    beside, results, ledger, shared, own = on_test_time(partial(main, True))
    assert beside == pytest.approx(alone, rel=0.01, abs=0.01)
    assert all(isinstance(one, Reply) for one in results), (
        "with no retries at all, each is answered in the end"
    )
    lines = ledger.account().lines
    assert ledger.account().billed == 40 and shared.budget.spent.cost == 0
    refused = [line.at for line in lines if not line.billed]
    assert len(refused) < 40 + opens / 5, "it is not asked all the time"
    assert own.concurrency.width >= 16 and own.rate_finder.found is None and own.cooldown.until == 0


async def by_flex(
    provider: Provider, lane_now: Callable[[], str], request: Request
) -> list[tuple[str, float]]:
    shared = shared_of()
    call = tiers(provider, lane_now, "m", shared.say, shared.progress)
    await call(request)
    return [(one.tier, at) for one, at in zip(provider.requests, provider.times, strict=True)]


NO_ROOM = again("no_room")


def test_waits_grow_and_are_never_shorter_than_the_server_says() -> None:
    for told in (None, 100.0):
        provider = Provider([again("no_room", told)] * 12 + [said("x")])
        went = on_test_time(partial(by_flex, provider, lambda: "flex", asked("a")))
        gaps = [later - at for (_, at), (_, later) in pairwise(went)]
        assert {tier for tier, _ in went} == {"flex"} and len(gaps) == 12
        if told is None:
            assert all(0.5 * min(60, 2**i) <= gap <= 2 * min(60, 2**i) + 0.01 for i, gap in enumerate(gaps))
        else:
            assert min(gaps) >= told


@pytest.mark.parametrize("leaves", [0.0, 5.0, 200.0])
def test_a_request_that_waits_goes_by_sync_soon_after_its_lane_has_changed(leaves: float) -> None:
    provider = Provider([NO_ROOM] * 50)

    async def main() -> list[tuple[str, float]]:
        def answer(request: Request) -> Reply:
            if request.tier:
                raise NO_ROOM
            return said("x")

        provider.script = [answer]
        return await by_flex(
            provider, lambda: "flex" if anyio.current_time() < leaves else "sync", asked("a")
        )

    went = on_test_time(main)
    assert went[-1][0] == "" and leaves <= went[-1][1] <= leaves + LOOK_AGAIN
    assert [tier for tier, _ in went[:-1]] == ["flex"] * (len(went) - 1)


@pytest.mark.parametrize(
    ("request_", "lane"),
    [
        (asked("a", service_tier="priority"), "flex"),
        (replace(asked("a"), api="completions"), "flex"),
        (asked("a"), "sync"),
        (asked("a"), "batch"),
    ],
)
def test_what_names_its_own_tier_or_has_none_goes_out_as_it_stands(request_: Request, lane: str) -> None:
    provider = Provider([said("x")])
    ((tier, _),) = on_test_time(lambda: by_flex(provider, lambda: lane, request_))
    assert tier == ""
    assert provider.requests[0] is request_


def test_another_fault_is_not_held_back() -> None:
    for kind in ("rate_limited", "server_error", "bad_request"):
        provider = Provider([again(kind)])
        with pytest.raises(Fault, match=kind):
            on_test_time(partial(by_flex, provider, lambda: "flex", asked("a")))
        assert len(provider.requests) == 1


def test_a_refusal_for_room_is_one_for_the_rate_where_nobody_asked_for_flex() -> None:
    async def main() -> list[str]:
        shared, ledger = shared_of(), Ledger()
        script = Script(faults=(Rule(fault="rate_limit", first=3, **FULL["OpenAI"]),))
        call, _ = lane_of("day", script, ledger, shared, "sync")
        await call(asked("a"))
        return list(shared.progress.faults)

    assert on_test_time(main) == ["rate_limited"]
