"""Tries: how many, how they are counted by what they may have cost, and how long is waited between."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.core.domain import Billed, Fate, Fault, Reply
from pipeline.core.progress import Progress
from pipeline.job.models import Limits
from pipeline.lanes.guards.retry import LONGEST_WAIT, REFUSED_ALIKE, backoff, retry
from pipeline.testing.script import Rule, Script
from tests.support.clock import on_test_time
from tests.support.fakes import Events, Provider, again, asked, outcomes, said
from tests.support.lanes import around, numbered, through_a_lane

FREE, MAYBE, RATE = (
    again("conflict", billed=Billed.NO),
    again("server_error", billed=Billed.MAYBE),
    again("rate_limited", billed=Billed.NO),
)


def uncounted() -> Fault:
    return again().but(counted=False)


def tried(
    faults: list[Any], retries: int = 8, maybe: int = 2, after: int | None = None
) -> tuple[Provider, Reply | Fault]:
    """What became of one request that meets these faults, the last one for ever."""
    provider = Provider(faults)
    limits = Limits(retries=retries, maybe_billed_retries=maybe)
    call = retry(provider, limits, after, Events(), Progress())
    (result,) = on_test_time(lambda: outcomes(call, [asked("a")]))
    return provider, result


@pytest.mark.parametrize("retries", [0, 1, 8])
@pytest.mark.parametrize("maybe", [0, 1, 2, 5])
def test_each_allowance_is_used_up_to_the_last_and_no_further(retries: int, maybe: int) -> None:
    assert len(tried([FREE], retries, maybe)[0].requests) == retries + 1
    assert len(tried([MAYBE], retries, maybe)[0].requests) == maybe + 1
    provider, result = tried([*[FREE] * retries, *[MAYBE] * maybe, said("x")], retries, maybe)
    assert isinstance(result, Reply)
    assert len(provider.requests) == retries + maybe + 1


FAULTS = st.lists(st.sampled_from(["free", "maybe", "rate", "uncounted"]), max_size=25)


@settings(max_examples=100)
@given(FAULTS, st.integers(0, 4), st.integers(0, 4), st.none() | st.integers(1, 4))
def test_allowances_are_apart_and_exact_in_any_order(
    names: list[str], retries: int, maybe: int, after: int | None
) -> None:
    of = {"free": FREE, "maybe": MAYBE, "rate": RATE, "uncounted": uncounted()}
    tries, failed = 0, 0
    left = {"free": retries, "maybe": maybe, "rate": 1000, "uncounted": 1000, "ok": 1}
    for name in [*names, "ok"]:
        tries += 1
        left[name] -= 1
        failed += name in ("free", "maybe", "uncounted")
        if left[name] < 0 or (name not in ("rate", "ok") and failed == after):
            break
    provider, result = tried([*(of[name] for name in names), said("x")], retries, maybe, after)
    assert len(provider.requests) == tries
    assert isinstance(result, Reply) == (tries == len(names) + 1)


def test_refusals_for_the_rate_and_probes_are_never_counted() -> None:
    assert isinstance(tried([*[RATE] * 500, said("x")], 0, 0, 1)[1], Reply)
    assert isinstance(tried([*[uncounted() for _ in range(50)], said("x")], 0, 0)[1], Reply)


@pytest.mark.parametrize("fate", [Fate.FAIL, Fate.STOP])
def test_what_asks_for_no_other_try_gets_none(fate: Fate) -> None:
    provider, result = tried([Fault("x", "y", fate=fate), said("x")])
    assert len(provider.requests) == 1
    assert isinstance(result, Fault)


def test_waits_are_full_jitter_below_a_doubling_bound() -> None:
    for attempt in [*range(1, 12), 2000, 10**9]:
        drawn = [backoff(attempt) for _ in range(600)]
        bound = min(LONGEST_WAIT, 2.0 ** min(attempt - 1, 10))
        assert 0 <= min(drawn) < 0.1 * bound
        assert 0.9 * bound < max(drawn) <= bound


def test_each_wait_between_tries_keeps_to_its_bound() -> None:
    for _ in range(20):
        times = tried([FREE], 10)[0].times
        bounds = [min(60.0, 2.0**i) for i in range(10)]
        assert all(b - a <= bound + 1e-3 for (a, b), bound in zip(pairwise(times), bounds, strict=True))


def test_somebody_sent_elsewhere_goes_at_once() -> None:
    moved = again("unauthorized", wait=0.0)
    assert tried([moved, moved, said("x")])[0].times == pytest.approx([0, 0, 0], abs=1e-3)


def test_attempts_are_numbered_and_a_waiting_one_holds_no_slot() -> None:
    provider = Provider([again(), *[said("x")] * 9], seconds=1)

    async def main() -> list[Reply | Fault]:
        call, _ = around(provider, Limits(concurrency=1))
        return await outcomes(call, numbered(5))

    results = on_test_time(main)
    assert all(isinstance(result, Reply) for result in results)
    assert sorted(request.attempt for request in provider.requests) == [1, 1, 1, 1, 1, 2]
    assert provider.most == 1
    assert provider.times[-1] <= 5.1


def test_the_first_requests_all_refused_alike_stop_the_run_and_one_answer_prevents_it() -> None:
    bad = Rule(fault="bad_request", every=1)
    outcome = through_a_lane(Script(faults=(bad,)), numbered(50), Limits(concurrency=1))
    kinds = [result.kind for result in outcome.results if isinstance(result, Fault)]
    assert kinds[: REFUSED_ALIKE + 1] == ["bad_request"] * (REFUSED_ALIKE - 1) + ["all_refused"] + kinds[5:6]
    outcome = through_a_lane(
        Script(faults=(bad.model_copy(update={"after": 1}),)), numbered(50), Limits(concurrency=1)
    )
    assert [r.kind for r in outcome.results if isinstance(r, Fault)] == ["bad_request"] * 49


def test_events_say_nothing_of_the_prompt() -> None:
    events = Events()
    call = retry(Provider([again(), said("x")]), Limits(), None, events, Progress())
    on_test_time(lambda: outcomes(call, [replace(asked("my secret"), key="k")]))
    assert [name for name, _ in events.seen] == ["request.retried"]
    assert "secret" not in repr(events.seen)
