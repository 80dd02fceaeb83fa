"""A live run steered from another terminal: the server's ledger shows whether it obeyed."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from pipeline.testing import Script
from pipeline.testing.launch import Server
from tests.support.project import Project
from tests.support.served import served
from tests.support.server import serve


def eventually(true: Callable[[], bool], seconds: float = 60) -> None:
    """Wait for something to become true."""
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.05)


@contextmanager
def live_run(project: Project, server: Server) -> Iterator[subprocess.Popen[str]]:
    """A run that has begun to ask, with far more rows than it will come to."""
    process = project.start("run", "job.yaml")
    try:
        eventually(lambda: server.ledger_path.exists() and server.ledger().requests > 8)
        yield process
    finally:
        process.kill()
        process.communicate()


def rate(server: Server, seconds: float = 1.5) -> float:
    """Requests a second that arrive from now on."""
    before = server.ledger().requests
    time.sleep(seconds)
    return (server.ledger().requests - before) / seconds


def test_a_live_run_is_paused_resumed_changed_and_stopped(project: Project) -> None:
    with serve(Script(latency=0.05)) as server:
        project.job(models=served(server.base_url, limits={"concurrency": 2}), records=Project.numbered(5000))
        with live_run(project, server) as process:
            _pauses_and_resumes(project, server)
            _changes(project, server)
            _tells(project)
            _stops(project, server, process)
        numbers = project.numbers("status", "job.yaml")
    assert numbers["last_run"] == numbers["run"]["phase"] == "interrupted"


def _pauses_and_resumes(project: Project, server: Server) -> None:
    done = project.run("ctl", "job.yaml", "pause")
    assert done.returncode == 0 and done.stdout.startswith("paused; "), done.stderr
    assert project.run("ctl", "job.yaml", "pause").stdout.startswith("paused already; ")
    time.sleep(1)
    assert rate(server, 0.5) == 0
    assert project.numbers("ctl", "job.yaml", "status")["phase"] == "paused"
    assert project.run("ctl", "job.yaml", "resume").stdout == "going on\n"
    again = project.run("ctl", "job.yaml", "resume").stdout
    assert again == "the run is not paused: it is going on already\n"
    before = server.ledger().requests
    eventually(lambda: server.ledger().requests > before + 5)


def _changes(project: Project, server: Server) -> None:
    done = project.run("ctl", "job.yaml", "set", "models.writer.limits.concurrency=12")
    assert done.stdout == "models.writer.limits.concurrency is now 12\n"
    eventually(lambda: server.ledger().peak > 6)
    assert server.ledger().peak <= 12
    assert project.run("ctl", "job.yaml", "set", "models.writer.limits.rpm=300").returncode == 0
    time.sleep(0.5)
    assert rate(server, 2) < 7
    assert project.run("ctl", "job.yaml", "set", "budget.cost=2.5").stdout == "budget.cost is now 2.5\n"
    both = ("models.writer.limits.tpm=90000", "models.writer.limits.rpm=360")
    done = project.run("ctl", "job.yaml", "set", *both)
    assert done.stdout == "".join(f"{pair.replace('=', ' is now ')}\n" for pair in both)
    done = project.run("ctl", "job.yaml", "set", "models.writer.limits.rpm=6000", "budget.cost=much")
    assert done.returncode == 2 and "error: budget.cost: must be a number" in done.stderr, done.stderr
    assert "of 360" in project.run("ctl", "job.yaml", "status").stdout, "all or none"


def _tells(project: Project) -> None:
    shown = project.run("ctl", "job.yaml", "status").stdout
    assert "of 5,000 rows done" in shown and "writer: " in shown and "of 360" in shown
    assert project.run("status", "job.yaml").stdout.startswith("shop: running (pid ")
    for arguments, sentence in (
        (("set", "models.writr.limits.rpm=3"), "there is no model 'writr'\n  did you mean 'writer'?"),
        (("set", "models.writer.limits.rpn=3"), "did you mean 'rpm'?"),
        (("set", "budget.cost=much"), "budget.cost: "),
    ):
        done = project.run("ctl", "job.yaml", *arguments)
        assert done.returncode == 2 and sentence in done.stderr, done.stderr


def _stops(project: Project, server: Server, process: subprocess.Popen[str]) -> None:
    assert project.run("ctl", "job.yaml", "stop").returncode == 0
    _, said = process.communicate(timeout=20)
    assert process.returncode == 130, "as after Ctrl-C: who goes on after every 75 must not undo a stop"
    assert "to go on: python -m pipeline run job.yaml" in said and "again" not in said
    answered = project.numbers("status", "job.yaml")["steps"][0]["answered"]
    assert answered == server.ledger().billed, "what was under way has been answered and kept"


def test_a_spent_budget_set_in_a_live_run_ends_it(project: Project) -> None:
    with serve(Script(latency=0.05)) as server:
        project.job(models=served(server.base_url, limits={"concurrency": 2}), records=Project.numbered(5000))
        with live_run(project, server) as process:
            done = project.run("ctl", "job.yaml", "set", "budget.requests=5")
            assert "budget.requests is now 5; " in done.stdout, done.stderr
            assert "is spent, or may have been billed: the run will stop" in done.stdout
            _, said = process.communicate(timeout=20)
            assert process.returncode == 4 and "budget.requests" in said and "of 5 are used" in said
