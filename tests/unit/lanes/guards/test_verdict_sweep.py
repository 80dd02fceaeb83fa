"""Every status from 400 to 599: the row fails alone, and a fault of the whole account ends the run."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import anyio
import pytest

from pipeline.core.domain import Fate, Fault, Reply, Request
from pipeline.job.models import Limits
from pipeline.lanes.guards.verdict import FEW
from pipeline.lanes.lanes import LEAST_HANDS
from pipeline.testing.script import Quota, Script
from pipeline.wire.faults import fault_of
from tests.support.clock import on_test_time
from tests.support.fakes import outcomes, said
from tests.support.lanes import around, ask_in_turn, numbered, shared_of, through_a_lane

pytestmark = pytest.mark.simulated
ROWS = 40
POSITIONS: dict[str, Callable[[int], bool]] = {
    "head": lambda row: row == 0,
    "middle": lambda row: row == 20,
    "end": lambda row: row == ROWS - 1,
    "every fifth": lambda row: row % 5 == 0,
    "every seventh": lambda row: row % 7 == 0,
    "five at the head": lambda row: row < 5,
    "five in the middle": lambda row: 18 <= row < 23,
    "five at the end": lambda row: row >= ROWS - 5,
}
PAGE = b"<html><head><title>Request blocked</title></head><body>Your request was blocked.</body></html>"


@dataclass
class Picky:
    """Refuses some rows with a status, whenever they come, and answers the others."""

    status: int
    refuses: Callable[[int], bool]
    latency: float = 0.3
    body: bytes = b""
    asked: list[int] = field(default_factory=list)

    async def __call__(self, request: Request) -> Reply:
        self.asked.append(int(request.key))
        if self.refuses(int(request.key)):
            await anyio.sleep(0.01)
            raise fault_of(self.status, {}, self.body)
        await anyio.sleep(self.latency)
        return said("x")


def run(
    send: Picky,
    concurrency: int | None,
    rows: int = ROWS,
    *,
    only: Sequence[int] | None = None,
    known: Sequence[bytes] | None = None,
) -> tuple[list[Reply | Fault | None], float]:
    """What became of the rows, and after how many seconds. A stop ends the run as it would a real one.

    `only` are the rows that are left. `known` are those that an earlier run with answers has refused.
    """

    async def main() -> tuple[list[Reply | Fault | None], float]:
        shared = shared_of()
        call, lane = around(send, Limits(concurrency=concurrency), shared=shared)
        if known is not None:
            lane.verdict.remember(True, known)
        results: list[Reply | Fault | None] = [None] * rows
        requests = [request for request in numbered(rows) if only is None or int(request.key) in only]
        ends: list[Reply | Fault | None] = [None] * len(requests)
        with shared.fuse.scope:
            hands = lambda: max(LEAST_HANDS, 2 * lane.concurrency.width) + lane.queue.repeating  # noqa: E731
            await ask_in_turn(call, requests, ends, hands)
        for request, end in zip(requests, ends, strict=True):
            results[int(request.key)] = end
        return results, anyio.current_time()

    return on_test_time(main)


@pytest.mark.parametrize("position", POSITIONS)
@pytest.mark.parametrize("hundred", [400, 500])
@pytest.mark.parametrize("concurrency", [1, 4, None])
def test_a_row_that_is_refused_fails_alone(position: str, hundred: int, concurrency: int | None) -> None:
    for status in range(hundred, hundred + 100):
        if status in (429, 498):  # they have a test of their own
            continue
        if "five" in position and (status in (424, 460, 499) or status >= 500) and status != 511:
            continue  # several such faults together are an outage
        send = Picky(status, POSITIONS[position], body=PAGE if status % 2 else b"")
        results, seconds = run(send, concurrency)
        bad = [row for row in range(ROWS) if POSITIONS[position](row)]
        assert [row for row, end in enumerate(results) if not isinstance(end, Reply)] == bad, status
        assert not any(isinstance(end, Fault) and end.fate is Fate.STOP for end in results), status
        assert len(send.asked) <= ROWS + 25 * len(bad), status
        assert seconds <= 600, (status, seconds)


@pytest.mark.parametrize("position", ["head", "middle"])
@pytest.mark.parametrize("concurrency", [1, 4])
def test_a_row_that_is_refused_for_its_rate_for_ever_fails_alone(position: str, concurrency: int) -> None:
    send = Picky(429, POSITIONS[position])
    results, seconds = run(send, concurrency)
    failed = {row: end for row, end in enumerate(results) if not isinstance(end, Reply)}
    assert [end.kind for end in failed.values() if isinstance(end, Fault)] == ["refused_alone"]
    assert all(POSITIONS[position](row) for row in failed)
    assert len(send.asked) <= ROWS + 30 and seconds <= 600


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize(
    ("rpm", "burst", "latency", "rows", "most"),
    [
        (1, 3, 1.0, 12, 60),
        (6, 20, 1.0, 73, 110),
        (6, 1, 1.0, 60, 80),
        (30, 1, 0.1, 100, 85),
        (60, 20, 0.3, 300, 110),
    ],
)
def test_no_row_is_blamed_for_a_low_rate_that_nobody_tells(
    rpm: int, burst: int, latency: float, rows: int, most: int, seed: int
) -> None:
    random.seed(seed)
    quota = Quota(rpm=rpm, burst=burst, retry_after=False, headers=False)
    script = Script(latency=latency, tokens=5, quota=quota)
    outcome = through_a_lane(script, numbered(rows), Limits(outage=86_400))
    journal: Any = outcome.shared.journal
    assert outcome.answered == rows
    assert {fault.kind for _, fault, _ in journal.faults} == {"rate_limited"}
    assert outcome.refused <= most


@pytest.mark.parametrize("status", [401, 402, 403, 404])
@pytest.mark.parametrize("concurrency", [1, 4, 16])
@pytest.mark.parametrize("since", [0, 20])
def test_an_account_that_is_refused_ends_the_run_after_few_requests(
    status: int, concurrency: int, since: int
) -> None:
    send = Picky(status, lambda row: row >= since)
    results, _ = run(send, concurrency, 400)
    stops = [end for end in results if isinstance(end, Fault) and end.fate is Fate.STOP]
    assert stops and stops[0].status == status
    assert sum(isinstance(end, Fault) and end.fate is Fate.FAIL for end in results) == 0
    assert sum(isinstance(end, Reply) for end in results) == since
    assert sum(row >= since for row in send.asked) <= concurrency + (3 if since else 2)


@pytest.mark.parametrize("status", [400, 401, 402, 403, 404, 407, 511])
@pytest.mark.parametrize("position", POSITIONS)
@pytest.mark.parametrize("concurrency", [1, 4, None])
def test_a_run_with_nothing_but_refused_rows_left_fails_them_alone(
    status: int, position: str, concurrency: int | None
) -> None:
    """What the journal has of the first run tells: others were answered, and after which of these."""
    bad = [row for row in range(ROWS) if POSITIONS[position](row)]
    known = [request.digest for request in numbered(ROWS) if int(request.key) in bad and len(bad) > FEW]
    send = Picky(status, POSITIONS[position], body=b'{"error": {"message": "Invalid API key"}}')
    results, _ = run(send, concurrency, only=bad, known=known)
    ends = [results[row] for row in bad]
    assert all(isinstance(end, Fault) and end.fate is not Fate.STOP for end in ends), ends
    assert len(send.asked) <= 5 * len(bad)


@pytest.mark.parametrize("status", [401, 402, 403, 404])
@pytest.mark.parametrize("concurrency", [1, 4, 16])
@pytest.mark.parametrize("known", [0, 3])
def test_a_key_that_was_revoked_since_the_last_run_ends_the_run_soon(
    status: int, concurrency: int, known: int
) -> None:
    send = Picky(status, lambda row: True)
    digests = [request.digest for request in numbered(known)]
    results, _ = run(send, concurrency, 400, known=digests)
    stops = [end for end in results if isinstance(end, Fault) and end.fate is Fate.STOP]
    assert stops and stops[0].status == status
    assert len(send.asked) <= concurrency + known + 3


@pytest.mark.parametrize("every", [0.0, 1.0])
def test_a_key_that_is_revoked_ends_the_run_soon_though_rows_come_one_at_a_time(every: float) -> None:
    """As in a later step: when a row is refused, no other one waits."""
    send = Picky(401, lambda row: row >= 5, latency=0.01)

    async def main() -> list[Reply | Fault]:
        call, _ = around(send, Limits(concurrency=4), shared=shared_of())
        ends = []
        for request in numbered(ROWS):
            ends += await outcomes(call, [request])
            await anyio.sleep(every)
            if isinstance(ends[-1], Fault) and ends[-1].fate is Fate.STOP:
                break
        return ends

    ends = on_test_time(main)
    assert [isinstance(end, Reply) for end in ends] == [True] * 5 + [False] * (FEW + 1)


def test_a_job_of_one_row_with_a_dead_key_stops_too() -> None:
    send = Picky(401, lambda row: True)
    (end,), _ = run(send, None, 1)
    assert isinstance(end, Fault) and end.fate is Fate.STOP and len(send.asked) == 1
