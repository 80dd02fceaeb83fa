"""The rate that is found where nobody tells it, over many rates and latencies. All times are simulated."""

from __future__ import annotations

import anyio
import pytest

from pipeline.core.domain import Reply, Request
from pipeline.job.models import Limits
from pipeline.testing.quota import Gate
from pipeline.testing.script import Quota, Script
from pipeline.wire.faults import fault_of
from tests.support.clock import on_test_time
from tests.support.fakes import outcomes, said
from tests.support.lanes import around, numbered, through_a_lane


def found(rate: float, burst: int, latency: float, told: bool, seconds: float = 120.0) -> tuple[float, float]:
    """The share of what could pass that did, and refusals a minute."""
    quota = Quota(rpm=round(rate * 60), burst=burst, retry_after=told, headers=False)
    rows = round(rate * seconds * 1.1) + 2 * burst + 20
    script = Script(latency=latency, tokens=5, quota=quota)
    outcome = through_a_lane(script, numbered(rows), Limits(outage=86_400))
    assert outcome.answered == rows
    first = min(line.arrived for line in outcome.account.lines)
    lines = [line for line in outcome.account.lines if line.arrived - first <= seconds]
    passed = sum(line.status == 200 for line in lines)
    return passed / (rate * seconds + burst), (len(lines) - passed) / seconds * 60


BURSTS = [(20, 20), (20, 100), (1, 20), (1, 100), (0.1, 20)]


@pytest.mark.parametrize("told", [True, False])
@pytest.mark.parametrize("latency", [0.1, 1.0])
@pytest.mark.parametrize(("rate", "burst"), BURSTS)
def test_a_rate_that_nobody_tells_is_found(rate: float, burst: int, latency: float, told: bool) -> None:
    share, refused = found(rate, burst, latency, told)
    assert share >= 0.9, share
    assert refused <= 100


@pytest.mark.parametrize("rate", [20, 1])
def test_a_server_without_any_burst_is_used_in_part(rate: float) -> None:
    shares = [found(rate, 1, latency, told, 60.0)[0] for latency in (0.1, 1.0) for told in (True, False)]
    assert min(shares) >= 0.2, shares


@pytest.mark.parametrize(("before", "after"), [(300, 1200), (1200, 300)])
@pytest.mark.parametrize("latency", [0.1, 1.0])
def test_a_rate_that_changes_is_found_again(before: int, after: int, latency: float) -> None:
    """Refused by the bucket of the time: what is admitted after the change, from a minute on."""
    gates = [Gate(Quota(rpm=rpm, burst=20, headers=False)) for rpm in (before, after)]
    passed: list[float] = []

    async def send(request: Request) -> Reply:
        now = anyio.current_time()
        verdict = gates[now > 60].admit(1, now)
        if not verdict.passes:
            raise fault_of(429, verdict.headers, b"")
        passed.append(now)
        await anyio.sleep(latency)
        return said("x")

    async def main() -> None:
        call, _ = around(send, Limits())
        with anyio.move_on_after(240):
            await outcomes(call, numbered(6000))

    on_test_time(main)
    assert sum(120 <= at < 240 for at in passed) >= 0.9 * after * 2
