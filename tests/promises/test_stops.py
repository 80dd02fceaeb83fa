"""P9, P13, P18 and P24 of docs/promises.md: how a run ends, and what it leaves."""

from __future__ import annotations

import signal
import socket
import time
from pathlib import Path
from typing import Any

import pytest

from pipeline.testing import Rule, Script
from tests.support.journals import journalled
from tests.support.project import Project, run_limited
from tests.support.served import served
from tests.support.server import serve
from tests.support.waiting import wait_for


def test_p09_of_two_runs_the_second_ends_at_once_and_a_dead_one_holds_nothing(project: Project) -> None:
    with serve(Script(latency=1.0)) as server:
        project.job(server.base_url, records=Project.numbered(60))
        process = project.start("run", "job.yaml")
        wait_for(lambda: server.ledger_path.exists() and server.ledger().billed >= 4)
        second = project.run("run", "job.yaml")
        assert second.returncode == 75 and process.poll() is None
        assert f"pid {process.pid} on {socket.gethostname()}" in second.stderr
        assert "nothing was sent by this one" in second.stderr
        process.kill()
        process.communicate()
        assert project.run("run", "job.yaml", "--limit", "20").returncode == 0
        assert server.ledger().overpaid <= 4


def test_p13_one_signal_sees_to_its_end_what_is_under_way_and_two_leave_at_once(project: Project) -> None:
    with serve(Script(latency=0.3, faults=(Rule(match="thing 39.", fault="hang"),))) as server:
        models = served(server.base_url, limits={"concurrency": 4, "timeout": 60})
        project.job(models=models, records=Project.numbered(40))
        process = project.start("run", "job.yaml")
        wait_for(lambda: server.ledger_path.exists() and server.ledger().billed >= 8)
        process.send_signal(signal.SIGTERM)
        asked = time.time()
        _, said = process.communicate(timeout=20)
        assert process.returncode == 130 and "to go on: python -m pipeline run job.yaml" in said, said
        assert max(line.arrived for line in server.ledger().lines) < asked + 0.3
        assert server.ledger().billed == journalled(project.folder) < 39
        process = project.start("run", "job.yaml")
        wait_for(lambda: server.ledger().billed == 39)
        time.sleep(0.3)
        process.send_signal(signal.SIGINT)
        time.sleep(0.5)
        assert process.poll() is None
        process.send_signal(signal.SIGINT)
        asked = time.time()
        process.communicate(timeout=10)
        assert process.returncode == 130 and time.time() - asked < 2
        assert server.ledger().billed == journalled(project.folder) == 39


def test_p18_a_disk_that_refuses_stops_the_run_and_no_reply_is_lost(project: Project) -> None:
    with serve(Script(latency=0.1, tokens=600)) as server:
        project.job(models=served(server.base_url, limits={"concurrency": 8}), records=Project.numbered(100))
        done = run_limited(project, "-f 150")
        assert done.returncode == 74 and "Traceback" not in done.stderr, done.stderr
        assert "mend the disk, then run the same command: " in done.stderr and "/spill/" in done.stderr
        sent = server.ledger().billed
        assert sent - journalled(project.folder) <= 2 * 8, "what was under way, and one commit of it"
        assert project.run("run", "job.yaml").returncode == 0
        assert server.ledger().billed == 100 and server.ledger().overpaid == 0
    assert not list((project.folder / "output/shop/spill").glob("*.jsonl"))


STOPS: list[tuple[int, str, dict[str, Any], tuple[str, ...], tuple[str, ...]]] = [
    (2, "", {}, ("--set", "max_faild=1"), ("unknown key 'max_faild'", "did you mean 'max_failed'?")),
    (3, "bad_request", {}, (), ("1 failed", "failures.csv")),
    (4, "unauthorized", {}, (), ("refused the key", "api_key_env names", "to go on: ")),
    (4, "", {"budget": {"requests": 1}}, (), ("1 of 1 are used", "raise it", "done: 1 row", "to go on: ")),
    (74, "", {}, ("--set", "output.to=/proc/posts.csv"), ("/proc/posts.csv: ",)),
    (75, "redirect", {}, (), ("never followed", "set base_url", "done: 2 rows", "to go on: ")),
]


@pytest.mark.parametrize(("code", "fault", "changes", "words", "said"), STOPS)
def test_p24_every_stop_says_why_what_is_safe_and_how_to_go_on(
    code: int,
    fault: str,
    changes: dict[str, Any],
    words: tuple[str, ...],
    said: tuple[str, ...],
    tmp_path: Path,
) -> None:
    project = Project(tmp_path)
    rule: Any = Rule(match="mug", fault=fault) if fault else Rule(match="nobody", fault="hang")
    with serve(Script(faults=(rule,))) as server:
        models = served(server.base_url, limits={"concurrency": 1})
        project.job(models=models, **changes)
        done = project.run("run", "job.yaml", *words)
    assert done.returncode == code, done.stderr
    for sentence in said:
        assert sentence in done.stdout + done.stderr, done.stderr
    if "to go on: " in said:
        command = done.stderr.partition("to go on: ")[2].splitlines()[0]
        assert command == "python -m pipeline run job.yaml"
