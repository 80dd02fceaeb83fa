"""What may befall a run from outside: rows 12, 57, 65, 69, 80 to 82, 85, 86 and 88 of docs/faults.md."""

from __future__ import annotations

import signal
import time

from pipeline.lanes.limits.rate import CREDIT
from pipeline.testing import Script
from tests.support.project import Project, run_limited
from tests.support.served import served
from tests.support.server import serve
from tests.support.waiting import wait_for


def test_a_machine_that_sleeps_neither_loses_nor_bursts(project: Project) -> None:
    with serve(Script(latency=0.2)) as server:
        limits = {"rpm": 600, "concurrency": 64, "timeout": 1}
        project.job(models=served(server.base_url, limits=limits), records=Project.numbered(90))
        process = project.start("run", "job.yaml")
        wait_for(lambda: server.ledger_path.exists() and server.ledger().billed >= 10)
        process.send_signal(signal.SIGSTOP)
        time.sleep(4.5)
        process.send_signal(signal.SIGCONT)
        _, said = process.communicate(timeout=30)
        assert process.returncode == 0, said
        ledger = server.ledger()
    assert ledger.overpaid <= 4, "what was under way may have been given up, and that is all"
    assert ledger.busiest(1.0) <= 600 / 60 * (1 + CREDIT) + 2, "of the time asleep two seconds are caught up"


def test_few_open_files_are_no_reason_to_crash(project: Project) -> None:
    with serve(Script(latency=0.05)) as server:
        models = served(server.base_url, limits={"concurrency": 64, "outage": 20})
        project.job(models=models, records=Project.numbered(120))
        done = run_limited(project, "-n 40")
        assert done.returncode in (0, 75) and "Traceback" not in done.stderr, done.stderr
        assert project.run("run", "job.yaml").returncode == 0
        assert server.ledger().overpaid == 0
    assert project.result().height == 120


def test_records_that_change_while_a_job_runs_are_not_published(project: Project) -> None:
    with serve(Script(latency=0.2)) as server:
        project.job(models=served(server.base_url, limits={"concurrency": 4}), records=Project.numbered(30))
        process = project.start("run", "job.yaml")
        wait_for(lambda: server.ledger_path.exists() and server.ledger().billed >= 4)
        with (project.folder / "records.csv").open("a") as records:
            records.write("90000,one more\n")
        _, said = process.communicate(timeout=30)
        assert process.returncode == 2 and "the records were changed while they were read" in said, said
        assert not (project.folder / "output/shop/posts.csv").exists()
        assert project.run("run", "job.yaml").returncode == 0
        assert server.ledger().billed == 31 and server.ledger().overpaid == 0
    assert project.result().height == 31


def test_a_job_file_that_changes_while_it_runs_changes_the_next_run_only(project: Project) -> None:
    with serve(Script(latency=0.2)) as server:
        models = served(server.base_url, limits={"concurrency": 2})
        project.job(models=models, records=Project.numbered(12))
        process = project.start("run", "job.yaml")
        wait_for(lambda: server.ledger_path.exists() and server.ledger().billed >= 2)
        project.job(models=models, steps=[{"name": "post", "prompt": "Something else on {{ title }}."}])
        assert process.wait(timeout=30) == 0
        process.communicate()
    assert all("Write about thing" in post for post in project.result()["post"])
