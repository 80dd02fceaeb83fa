"""A model's server on this machine with one slot: nothing times out, in this run and in the next one."""

from __future__ import annotations

from pipeline.testing import Script
from tests.support.project import Project
from tests.support.served import served
from tests.support.server import serve

TIMEOUT = 1.5


def test_one_slot_loses_no_request(project: Project) -> None:
    with serve(Script(latency=0.2, capacity=1)) as server:
        project.job(models=served(server.base_url, limits={"timeout": TIMEOUT}), records=Project.numbered(30))
        done = project.run("run", "job.yaml")
        assert done.returncode == 0, done.stderr
        assert server.ledger().requests == server.ledger().billed == 30
    run = project.numbers("status", "job.yaml")["run"]
    assert not run["faults"]
    assert run["lanes"][0]["concurrency"] <= 5
    with serve(Script(latency=0.2, capacity=1)) as server:
        models = served(server.base_url, limits={"timeout": TIMEOUT / 2})
        project.job(models=models, records=Project.numbered(40))
        assert project.run("run", "job.yaml").returncode == 0
        assert server.ledger().requests == 10, "the next run begins at a width that fits"
