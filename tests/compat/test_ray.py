"""A job on a Ray cluster of three nodes: the table of one process, with nodes and owners that are killed."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from pipeline.testing import Script, Server
from tests.support.clusters import Nodes, nodes
from tests.support.project import Project
from tests.support.served import bill, nano, served
from tests.support.server import serve
from tests.support.settled import settled
from tests.support.waiting import wait_for

ROWS, WIDTH = 600, 24

pytestmark = pytest.mark.xdist_group("ray")
"""one server for all of them"""


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Nodes]:
    """Three nodes, for all tests of this module."""
    with nodes(tmp_path_factory.mktemp("cluster")) as found:
        yield found


def job(project: Project, server: Server, cluster: Nodes | None = None) -> None:
    """Two steps, the second of which reads the first."""
    models = served(server.base_url, limits={"concurrency": WIDTH})
    steps = [
        {"name": "post", "prompt": "Write about {{ title }}."},
        {"name": "short", "prompt": "A title for: {{ post }}"},
    ]
    engine = {"kind": "ray", "address": cluster.address, "workers": 3} if cluster else None
    project.job(records=Project.numbered(ROWS), models=models, steps=steps, engine=engine)


def table(project: Project) -> bytes:
    return (project.folder / "output/shop/posts.csv").read_bytes()


def alone(project: Project) -> bytes:
    """The table of one process, with another journal."""
    with serve(Script()) as server:
        job(project, server)
        assert project.run("run", "job.yaml").returncode == 0
    before = table(project)
    (project.folder / "output").rename(project.folder / "alone")
    return before


def billed(server: Server) -> int:
    return server.ledger().billed if server.ledger_path.exists() else 0


def test_the_same_table_with_a_node_killed_twice(project: Project, cluster: Nodes) -> None:
    before = alone(project)
    with serve(Script(latency=0.4)) as server:
        job(project, server, cluster)
        run = project.start("run", "job.yaml", PYTHONPATH=cluster.path)
        for rows in (ROWS // 4, ROWS):
            wait_for(lambda rows=rows: billed(server) >= rows or run.poll() is not None, 90)
            assert run.poll() is None, run.communicate()
            cluster.kill()
        _, said = run.communicate(timeout=180)
        assert run.returncode == 0, said
        ledger = server.ledger()
    assert table(project) == before
    assert 0 < ledger.overpaid <= 2 * WIDTH, "what was under way on the killed nodes is paid for again"
    print(f"{ledger.overpaid} of {ledger.billed} answers were under way when a node was killed")


def test_a_killed_owner_loses_nothing_and_nothing_is_paid_for_twice(project: Project, cluster: Nodes) -> None:
    before = alone(project)
    with serve(Script(latency=0.4)) as server:
        job(project, server, cluster)
        run = project.start("run", "job.yaml", PYTHONPATH=cluster.path)
        wait_for(lambda: billed(server) >= ROWS // 2 or run.poll() is not None, 90)
        assert run.poll() is None, run.communicate()
        run.kill()
        run.communicate()
        settled(server)
        time.sleep(3)  # the workers keep what was under way
        again = project.spawn("run", "job.yaml", PYTHONPATH=cluster.path)
        assert again.returncode == 0, again.stderr
        ledger = server.ledger()
    assert table(project) == before
    assert ledger.overpaid == 0
    status = project.numbers("status", "job.yaml")
    assert nano(status["cost"]) == bill(ledger) and status["unpriced"] == 0


def test_a_killed_head_ends_the_run_and_the_next_one_pays_only_for_what_was_under_way(
    project: Project, tmp_path: Path
) -> None:
    before = alone(project)
    with serve(Script(latency=1)) as server:
        with nodes(tmp_path) as cluster:
            job(project, server, cluster)
            run = project.start("run", "job.yaml", PYTHONPATH=cluster.path)
            wait_for(lambda: billed(server) >= ROWS // 8 or run.poll() is not None, 90)
            assert run.poll() is None, run.communicate()
            cluster.kill("head")
            killed = time.monotonic()
            _, said = run.communicate(timeout=120)
            seconds = time.monotonic() - killed
        assert run.returncode == 75 and seconds < 60, said
        assert "the cluster cannot run workers: its head has not answered for 30 seconds" in said
        assert "Traceback" not in said
        job(project, server)
        again = project.spawn("run", "job.yaml")
        assert again.returncode == 0, again.stderr
        ledger = server.ledger()
    assert table(project) == before
    assert ledger.overpaid <= WIDTH, "what was under way when the run ended may be paid for again"
    print(f"ended {seconds:.0f} s after the head; {ledger.overpaid} answers were under way")


def test_no_cluster_is_said_in_words(project: Project, cluster: Nodes) -> None:
    project.job(engine={"kind": "ray", "address": "127.0.0.1:1"})
    done = project.spawn("run", "job.yaml", PYTHONPATH=cluster.path)
    assert (
        done.returncode == 75 and "the cluster cannot be used: nobody answers at 127.0.0.1:1" in done.stderr
    )
    assert "Traceback" not in done.stderr
