"""P11 over minutes of real time."""

from __future__ import annotations

from pipeline.testing import Script, serve
from tests.support.project import Project


def test_a_pace_holds_over_minutes_of_real_time(project: Project) -> None:
    with serve(Script(latency=0.05)) as server:
        project.job(server.base_url, records=Project.numbered(150))
        limits = "models.writer.limits={rpm: 120, concurrency: 32}"
        assert project.run("run", "job.yaml", "--set", limits, "--limit", "150").returncode == 0
        ledger = server.ledger()
    assert ledger.billed == 150
    assert 0.95 * 120 <= ledger.busiest(60) <= 120
