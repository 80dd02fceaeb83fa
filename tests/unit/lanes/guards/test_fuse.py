"""The fuse: after a fatal fault nothing is sent."""

from __future__ import annotations

import pytest

from pipeline.core.domain import Fate, Fault, Reply, Request
from pipeline.core.errors import DiskError, Interrupted, KeyRefused, OutOfBudget, OutOfQuota, RunStopped
from pipeline.lanes.guards.fuse import Fuse, with_fuse
from tests.support.fakes import Provider, again, asked, said


async def test_after_a_fatal_fault_nothing_passes() -> None:
    fuse = Fuse()
    provider = Provider([Fault("unauthorized", "key", fate=Fate.STOP), said("x")])
    call = with_fuse(provider, fuse)
    for _ in range(5):
        with pytest.raises(Fault, match="unauthorized"):
            await call(asked("a"))
    assert len(provider.requests) == 1
    assert fuse.scope.cancel_called


async def test_a_journal_that_cannot_be_written_blows_the_fuse() -> None:
    fuse = Fuse()

    async def full(request: Request) -> Reply:
        raise DiskError("full")

    with pytest.raises(DiskError):
        await with_fuse(full, fuse)(asked("a"))
    provider = Provider()
    with pytest.raises(Fault):
        await with_fuse(provider, fuse)(asked("b"))
    assert provider.requests == []
    with pytest.raises(DiskError):
        fuse.check()


async def test_other_faults_leave_the_fuse_whole() -> None:
    fuse = Fuse()
    call = with_fuse(Provider([Fault("bad_request", "x"), again(), said("x")]), fuse)
    for _ in range(2):
        with pytest.raises(Fault):
            await call(asked("a"))
    assert await call(asked("a")) == said("x")
    fuse.check()


@pytest.mark.parametrize(
    ("kind", "error"),
    [
        ("unauthorized", KeyRefused), ("forbidden", KeyRefused), ("not_found", RunStopped),
        ("out_of_quota", OutOfQuota), ("out_of_budget", OutOfBudget), ("maybe_billed", OutOfBudget),
        ("outage", RunStopped), ("refusing", RunStopped), ("all_refused", RunStopped),
        ("mostly_failing", RunStopped), ("deadline", RunStopped),
    ],
)  # fmt: skip
async def test_the_first_fatal_fault_names_the_error(kind: str, error: type[RunStopped]) -> None:
    fuse = Fuse()
    fuse.blow(Fault(kind, "the first", fate=Fate.STOP))
    fuse.blow(Fault("redirected", "the second", fate=Fate.STOP))
    with pytest.raises(error, match="the first") as raised:
        fuse.check()
    assert type(raised.value) is error
    assert raised.value.hint, "what to do about it"


async def test_an_interrupt_is_told_as_such() -> None:
    fuse = Fuse()
    fuse.interrupt("SIGINT")
    with pytest.raises(Interrupted, match="SIGINT"):
        fuse.check()
