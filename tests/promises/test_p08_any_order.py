"""P8: stops, faults, edits and changed records in any order end in the same table."""

from __future__ import annotations

import shutil
import signal
from functools import partial
from pathlib import Path

import anyio

from pipeline.testing import Rule, Script, Server
from pipeline.testing.script import FaultName
from tests.support.project import Project
from tests.support.served import served
from tests.support.server import serve
from tests.support.waiting import wait_for
from tests.support.worlds import live_all


def test_p08_kills_faults_and_edits_in_any_order_end_in_the_same_table(tmp_path: Path) -> None:
    anyio.run(live_all, tmp_path, range(4))


def test_p08_stops_and_faults_in_any_order_end_in_the_undisturbed_table(project: Project) -> None:
    names: tuple[FaultName, ...] = ("server_error", "garbage", "disconnect")
    faults = tuple(Rule(share=0.08, times=1, fault=name) for name in names)
    limits = {"concurrency": 4, "retries": 9, "maybe_billed_retries": 9}
    with serve(Script(latency=0.03, seed=8, faults=faults)) as server:
        project.job(models=served(server.base_url, limits=limits), records=Project.numbered(50))
        for billed, number in ((10, signal.SIGKILL), (25, signal.SIGINT)):
            process = project.start("run", "job.yaml")
            wait_for(partial(_has_billed, server, billed))
            process.send_signal(number)
            process.communicate(timeout=30)
        assert project.run("run", "job.yaml").returncode == 0
    disturbed = (project.folder / "output/shop/posts.csv").read_bytes()
    shutil.rmtree(project.folder / "output")
    with serve() as server:
        project.job(models=served(server.base_url))
        assert project.run("run", "job.yaml").returncode == 0
    assert (project.folder / "output/shop/posts.csv").read_bytes() == disturbed


def _has_billed(server: Server, answers: int) -> bool:
    return server.ledger_path.exists() and server.ledger().billed >= answers
