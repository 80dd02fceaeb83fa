"""A lane behind proxies and servers that shed load or let requests wait: no row is lost."""

from __future__ import annotations

import pytest

from pipeline.core.domain import Reply
from pipeline.job.models import Limits, Model
from pipeline.lanes.lane import Lane, guarded
from pipeline.lanes.lanes import LEAST_HANDS
from pipeline.money.tariff import Tariff
from tests.support.clock import on_test_time
from tests.support.lanes import ask_in_turn, numbered, shared_of
from tests.support.proxies import HAPROXY, JSON, LimitReq, Queued

pytestmark = pytest.mark.simulated


def run(server: LimitReq | Queued, rows: int, limits: Limits, here: bool) -> tuple[int, float, str]:
    """How many rows were answered, after how many seconds, and what blew the fuse."""

    async def main() -> tuple[int, float, str]:
        shared = shared_of()
        lane = Lane("writer", limits, Tariff(None, free=True), shared, here=here)
        call = guarded(Model(model="m", limits=limits), [(lane, 1.0, server)], shared, None)
        results: list[object] = [None] * rows
        began = shared.now()
        with shared.fuse.scope:
            await ask_in_turn(
                call, numbered(rows), results, lambda: max(LEAST_HANDS, 2 * lane.concurrency.width)
            )  # type: ignore[arg-type]
        answered = sum(isinstance(result, Reply) for result in results)
        return answered, shared.now() - began, str(shared.fuse.reason or "")

    return on_test_time(main)


@pytest.mark.parametrize("here", [True, False])
@pytest.mark.parametrize("status", [429, 503])
@pytest.mark.parametrize("page", [b"", JSON])
@pytest.mark.parametrize(("latency", "burst"), [(0.005, 0), (0.3, 0), (0.3, 5)])
def test_a_rate_that_a_proxy_keeps_with_pages_is_found(
    here: bool, status: int, page: bytes, latency: float, burst: int
) -> None:
    server = LimitReq(latency=latency, status=status, page=page, burst=burst)
    answered, seconds, stopped = run(server, 100, Limits(), here)
    assert (answered, stopped) == (100, "")
    assert server.refused <= 40
    assert seconds <= 30


@pytest.mark.parametrize("here", [True, False])
@pytest.mark.parametrize("page", [HAPROXY, JSON])
@pytest.mark.parametrize(("latency", "patience"), [(0.1, 0.3), (0.5, 1.0), (3.0, 1.0)])
def test_a_proxy_that_lets_one_pass_loses_no_row(
    here: bool, page: bytes, latency: float, patience: float
) -> None:
    server = Queued(latency=latency, patience=patience, page=page)
    answered, seconds, stopped = run(server, 60, Limits(), here)
    assert (answered, stopped) == (60, "")
    assert seconds <= 1.3 * 60 * latency


@pytest.mark.parametrize("latency", [1.0, 2.0, 3.0])
@pytest.mark.parametrize("slots", [1, 4])
def test_a_server_on_this_machine_with_few_slots_loses_no_request(latency: float, slots: int) -> None:
    server = Queued(latency=latency, timeout=15, slots=slots)
    answered, seconds, stopped = run(server, 60, Limits(timeout=15), here=True)
    assert (answered, stopped) == (60, "")
    assert server.lost <= 2
    assert seconds <= 1.2 * 60 * latency / slots


@pytest.mark.parametrize(("latency", "timeout"), [(2.0, 15.0), (3.0, 15.0), (25.0, 300.0)])
def test_timeouts_beside_answers_narrow(latency: float, timeout: float) -> None:
    server = Queued(latency=latency, timeout=timeout)
    answered, _, stopped = run(server, 60, Limits(timeout=timeout), here=False)
    assert (answered, stopped) == (60, "")
    assert server.lost <= 20, "the first ones, which nobody could know of"
