"""A run in several processes: the same table and the same bills as in one, whoever is killed."""

from __future__ import annotations

import signal
import sys
from pathlib import Path

import pytest

from pipeline.testing import Script
from tests.support.journals import journalled
from tests.support.killed_run import CONCURRENCY, ROWS, finish, job, kill, started
from tests.support.many import WIDTH, children, ran, workers
from tests.support.project import Project
from tests.support.server import serve
from tests.support.waiting import wait_for

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="processes are found in /proc")


def held(folder: Path, seed: int, kills: int) -> None:
    """The same job in one process and in three, of which some are killed."""
    table, result, bills = ran(folder / "one", seed, 1)
    other, again, paid = ran(folder / "three", seed, 3, kills)
    assert other == table, f"seed {seed}: another table"
    counts = ["ok", "failed", "skipped", "pending", "told", "reasons", "remarks"]
    counts += ["sharing"] if result.accept is None else []
    assert [getattr(again, name) for name in counts] == [getattr(result, name) for name in counts], seed
    if result.accept is None:  # else how far a run goes before it has enough depends on time
        assert paid.paid.keys() == bills.paid.keys(), f"seed {seed}: other requests"
    assert paid.overpaid <= kills * WIDTH, f"seed {seed}: paid twice for more than was in flight"
    if not kills and result.accept is None:
        assert (paid.input, paid.output) == (bills.input, bills.output)
        assert again.cost == result.cost
        # two rows with one request that is refused send it once or twice: that depends on time
        assert (again.sent, result.sent) == (paid.requests, bills.requests)


@pytest.mark.parametrize(("seed", "kills"), [(1, 0), (2, 2)])
def test_the_table_and_the_bills_are_those_of_one_process(tmp_path: Path, seed: int, kills: int) -> None:
    held(tmp_path, seed, kills)


@pytest.mark.soak
@pytest.mark.parametrize("seed", range(100, 130))
def test_so_it_is_for_jobs_at_random(tmp_path: Path, seed: int) -> None:
    held(tmp_path, seed, seed % 4)


def test_ctrl_c_lets_what_is_under_way_end_and_leaves_no_process(project: Project) -> None:
    with serve(Script(latency=0.2)) as server:
        job(project, server)
        process = started(project, server, 20, "--processes", "2")
        those = [*children(process.pid), *workers(process.pid)]
        process.send_signal(signal.SIGINT)
        _, said = process.communicate(timeout=30)
        assert process.returncode == 130, said
        assert len(those) == 3
        wait_for(lambda: not any(map(is_alive, those)))
        assert server.ledger().billed == journalled(project.folder) < ROWS
        assert finish(project, server).overpaid == 0


def test_workers_end_at_once_when_their_run_is_killed(project: Project) -> None:
    with serve(Script(latency=0.05)) as server:
        job(project, server)
        process = started(project, server, 20, "--processes", "2")
        those = [*children(process.pid), *workers(process.pid)]
        process.kill()
        wait_for(lambda: not any(map(is_alive, those)))
        kill(process, server)
        assert finish(project, server).overpaid <= CONCURRENCY


def test_a_row_that_kills_every_worker_stops_the_run(project: Project) -> None:
    (project.folder / "own.py").write_text(
        "import os\ndef check_deadly(written, options):\n    os.kill(os.getpid(), 9)\n"
    )
    with serve(Script()) as server:
        deadly = {"name": "post", "prompt": "Write about {{ title }}.", "checks": {"own": {"deadly": True}}}
        project.job(server.base_url, plugins=["own.py"], steps=[deadly])
        done = project.run("run", "job.yaml", "--processes", "2", "--allow-code")
        assert done.returncode == 75, done.stderr
        assert "worker processes have ended, one after the other" in done.stderr
        assert server.ledger().overpaid == 0, "what was answered was found in the journal"


def is_alive(pid: int) -> bool:
    """Whether a process lives; one that has ended and waits to be noticed does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False
