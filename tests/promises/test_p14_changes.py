"""P14: a change sends again exactly what it changes, and says so before."""

from __future__ import annotations

import pytest

from tests.support.project import Project
from tests.support.served import bill, served
from tests.support.server import serve


def test_p14_a_change_sends_again_what_it_changes_and_says_how_much_before(project: Project) -> None:
    prompt = "Write about {{ title }}{% if title == 'tea' %} TEMPERATURE{% endif %}."
    with serve() as server:
        models = served(server.base_url)
        project.job(models=models, steps=[{"name": "post", "prompt": prompt}])
        assert project.run("run", "job.yaml").returncode == 0
        each = bill(server.ledger()) / 3e9
        steps = [{"name": "post", "prompt": prompt.replace("TEMPERATURE", "with milk")}]
        project.job(models=models, steps=steps)
        plan = project.numbers("plan", "job.yaml")
        assert plan["missing"] == 1 and plan["cost"] > 0 and server.ledger().requests == 3
        done = project.run("run", "job.yaml")
        assert "2 of 3 rows are done; to be sent: at least 1 request, about $0.00" in done.stderr
        said = float(done.stderr.partition("about $")[2].split()[0])
        assert said == pytest.approx(each, rel=0.2)
        assert server.ledger().requests == 4
        done = project.run("run", "job.yaml", "--set", "models.writer.params.seed=7")
        assert "at least 3 requests" in done.stderr and server.ledger().requests == 7
