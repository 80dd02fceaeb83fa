"""Runs that are killed or interrupted; the ledger of the scripted server says what was paid for."""

from __future__ import annotations

import os
import signal
import subprocess
from pathlib import Path

import pytest

from pipeline.testing import Rule, Script
from tests.support.journals import journalled
from tests.support.killed_run import CONCURRENCY, ROWS, finish, job, kill, started
from tests.support.project import Project
from tests.support.server import serve
from tests.support.waiting import wait_for, wait_for_signal


def test_kill_9_at_any_time_repeats_at_most_what_was_in_flight(project: Project) -> None:
    with serve(Script(latency=0.05)) as server:
        job(project, server)
        repeats = 0
        for billed in (5, 60, 110):
            process = started(project, server, billed)
            kill(process, server)
            assert process.returncode == -signal.SIGKILL
            before = server.ledger().billed
            assert before - journalled(project.folder) - repeats <= CONCURRENCY
            repeats = before - journalled(project.folder)
        ledger = finish(project, server)
    assert ledger.overpaid <= 3 * CONCURRENCY
    assert ledger.billed == ROWS + ledger.overpaid


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_lets_what_is_under_way_end_and_nothing_is_paid_twice(
    project: Project, number: signal.Signals
) -> None:
    with serve(Script(latency=0.2)) as server:
        job(project, server)
        process = started(project, server, 20)
        process.send_signal(number)
        _, errors = process.communicate(timeout=60)
        assert process.returncode == 130, errors
        assert "to go on: python -m pipeline run job.yaml" in errors
        assert server.ledger().billed == journalled(project.folder) < ROWS
        assert not (project.folder / "output/shop/posts.csv").exists()
        assert finish(project, server).overpaid == 0


def test_a_run_under_nohup_does_not_hear_that_its_terminal_is_gone(project: Project) -> None:
    with serve(Script(latency=0.05)) as server:
        job(project, server)
        process = subprocess.Popen(
            ["nohup", *project.command("run", "job.yaml")],
            cwd=project.folder,
            env=project.environment(),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        )
        wait_for(lambda: server.ledger().billed >= 5)
        process.send_signal(signal.SIGHUP)
        _, said = process.communicate(timeout=60)
        assert process.returncode == 0, said
        assert server.ledger().billed == project.result().height == ROWS


def test_a_second_signal_leaves_at_once(project: Project) -> None:
    with serve(Script(latency=0.01, faults=(Rule(after=20, fault="hang"),))) as server:
        job(project, server)
        process = started(project, server, 20)
        wait_for(lambda: sum(line.fault == "hang" for line in server.ledger().lines) >= CONCURRENCY)
        wait_for(lambda: journalled(project.folder) == 20)
        process.send_signal(signal.SIGINT)
        wait_for_signal(project.folder)
        assert process.poll() is None, "the first signal waits for what is under way"
        process.send_signal(signal.SIGINT)
        _, said = process.communicate(timeout=30)
        assert process.returncode == 130
        assert "interrupted again (SIGINT)" in said and "the same command goes on" in said
        assert journalled(project.folder) == 20


def test_a_second_run_of_the_same_job_is_refused_and_names_the_first(project: Project) -> None:
    with serve(Script(latency=0.5)) as server:
        job(project, server)
        process = started(project, server, 5)
        second = project.run("run", "job.yaml")
        assert second.returncode == 75 and f"pid {process.pid}" in second.stderr
        process.kill()
        process.communicate()
        assert finish(project, server).overpaid <= CONCURRENCY


def test_an_export_of_a_killed_run_names_its_pending_rows(project: Project) -> None:
    with serve(Script(latency=0.05)) as server:
        job(project, server)
        process = started(project, server, 30)
        kill(process, server)
        billed = server.ledger().billed
        done = project.run("export", "job.yaml")
        assert done.returncode == 75
        assert server.ledger().billed == billed, "an export sends nothing"
    result = project.result()
    assert result.height == ROWS
    assert set(result["_status"]) == {"ok", "pending"}
    assert result.filter(result["_status"] == "ok").height == journalled(project.folder)


def test_a_full_disk_stops_the_run_and_what_was_committed_is_safe(project: Project, tmp_path: Path) -> None:
    with serve(Script(latency=0.02)) as server:
        job(project, server)
        script = "ulimit -f 120; exec " + " ".join(project.command("run", "job.yaml"))
        done = subprocess.run(
            ["bash", "-c", script],
            cwd=project.folder,
            env=project.environment(),
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert done.returncode == 74, done.stderr
        assert "journal" in done.stderr and "Traceback" not in done.stderr
        kept = journalled(project.folder)
        assert 0 < kept < ROWS
        assert server.ledger().billed - kept <= 4
        assert finish(project, server).overpaid <= 4


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root to mount a small file system")
def test_a_result_that_does_not_fit_on_its_disk_costs_nothing_to_write_later(project: Project) -> None:
    small = project.folder / "small"
    small.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=8k", "tmpfs", str(small)], check=False)
    if mounted.returncode:
        pytest.skip("cannot mount here")
    try:
        with serve(Script(latency=0.01)) as server:
            project.job(server.base_url, records=Project.numbered(ROWS), output={"to": "small/posts.csv"})
            done = project.run("run", "job.yaml")
            assert done.returncode == 74 and "small/posts.csv" in done.stderr
            assert list(small.iterdir()) == []
            done = project.run("run", "job.yaml", "--set", "output.to=output/shop/posts.csv")
            assert done.returncode == 0 and server.ledger().billed == ROWS
    finally:
        subprocess.run(["umount", str(small)], check=False)
