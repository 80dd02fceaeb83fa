"""Models that share a lane, and limits that are lowered while it works."""

from __future__ import annotations

from typing import Any

from pipeline.domain import Request
from pipeline.limits._base import Expected, Ticket
from pipeline.limits.pace import Pace
from pipeline.scripted import Script, serve
from tests.project import KEY, Project


def ticket(now: float) -> Ticket:
    return Ticket(Request("chat", "m", b""), lambda _: Expected(1, 1, 1), now)


def test_two_models_lose_the_endpoint_they_share_and_both_go_on(project: Project) -> None:
    with serve(Script(latency=0.02, api_key=KEY)) as server:
        keys = [{"api_key_env": name} for name in ("DEAD_KEY", "TEST_KEY")]
        shared: dict[str, Any] = {"model": "m", "base_url": server.base_url, "endpoints": keys}
        shared["limits"] = {"concurrency": 4}
        project.job(
            records=Project.numbered(40),
            models={"writer": shared, "editor": {**shared, "params": {"temperature": 0.5}}},
            steps=[
                {"name": "post", "model": "writer", "prompt": "Write about {{ title }}."},
                {"name": "edit", "model": "editor", "prompt": "Edit: {{ post }}"},
            ],
        )
        done = project.run("run", "job.yaml", DEAD_KEY="sk-of-nobody-at-all")
        assert done.returncode == 0, done.stderr
        assert (server.ledger().billed, server.ledger().overpaid) == (80, 0)


def test_a_limit_that_is_lowered_does_not_stall_its_lane() -> None:
    for rate in (600.0, 100.0, 60.0):
        pace, now = Pace("rpm", 30_000.0), 1000.0
        for _ in range(50):
            while (delay := pace.delay(ticket(now), now)) > 0:
                now += delay
            pace.take(ticket(now), now)
        pace.limit = rate
        assert pace.delay(ticket(now), now) <= 60.0 + 1.0
