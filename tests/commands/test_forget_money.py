"""What was spent stays spent when a record is forgotten."""

from __future__ import annotations

from pipeline.testing import Rule, Script
from tests.support.project import Project
from tests.support.served import served
from tests.support.server import serve


def test_the_money_for_a_forgotten_record_stays_under_nobodys_name(project: Project) -> None:
    faults = (Rule(fault="server_error", match="lamp", times=1),)
    with serve(Script(faults=faults)) as server:
        project.job(models=served(server.base_url), budget={"cost": 1.0, "requests": 4})
        assert project.run("run", "job.yaml").returncode == 0
        before, planned = (project.numbers(name, "job.yaml") for name in ("status", "plan"))
        done = project.run("journal", "forget", "job.yaml", "--key", "008")
        assert done.returncode == 0 and "journal: 2 attempts removed, all but what they cost" in done.stdout
        after = project.numbers("status", "job.yaml")
        assert (after["cost"], after["maybe_cost"]) == (before["cost"], before["maybe_cost"])
        assert after["cost"] > 0 and after["maybe_cost"] > 0
        assert project.numbers("plan", "job.yaml")["spent"] == planned["spent"]
        assert project.run("journal", "verify", "job.yaml").returncode == 0
        stopped = project.run("run", "job.yaml")
        assert stopped.returncode == 4 and "budget.requests: 4 of 4 are used" in stopped.stderr


def test_an_unknown_record_is_forgotten_by_no_event(project: Project) -> None:
    with serve(Script()) as server:
        project.job(models=served(server.base_url))
        assert project.run("run", "job.yaml").returncode == 0
    events = project.folder / "output/shop/events.jsonl"
    before = events.read_bytes()
    assert project.run("journal", "forget", "job.yaml", "--key", "none").returncode == 2
    assert events.read_bytes() == before
