"""Proxies that shed load in front of a server: their refusals mean "too fast", and lose no row."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipeline.testing import Script
from tests.support.project import Project
from tests.support.real_servers import haproxy, nginx
from tests.support.server import serve

ROWS, RATE = 100, 5
IDEAL = ROWS / RATE


@pytest.mark.parametrize("status", [503, 429])
def test_a_limit_of_nginx_is_found(project: Project, tmp_path: Path, status: int) -> None:
    with (
        serve(Script(latency=0.05)) as behind,
        nginx(tmp_path, behind.base_url, rate=RATE, status=status) as url,
    ):
        project.job(url, records=Project.numbered(ROWS), models={"writer": {"model": "m", "base_url": url}})
        numbers = project.numbers("run", "job.yaml")
        asked = [line.split() for line in (tmp_path / "access.log").read_text().splitlines()]
        times = [float(time) for time, _ in asked]
        refused = [time for time, said in asked if said == str(status)]
    took = max(times) - min(times)
    print(f"{status}: {numbers}, {len(refused)} refusals of {len(asked)}, {took:.1f} s of {IDEAL:.0f}")
    assert numbers["ok"] == ROWS
    assert len(refused) <= 30
    assert took <= 1.3 * IDEAL


def test_a_queue_of_haproxy_is_found(project: Project, tmp_path: Path) -> None:
    with serve(Script(latency=0.1)) as behind, haproxy(tmp_path, behind.base_url, queue=200) as url:
        project.job(url, records=Project.numbered(ROWS), models={"writer": {"model": "m", "base_url": url}})
        numbers = project.numbers("run", "job.yaml")
        billed = behind.ledger().billed
    print(numbers)
    assert numbers["ok"] == ROWS
    assert billed == ROWS
