"""The engine `ray`: what the job file may say, and the workers of a cluster, with a stand-in for Ray."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import anyio
import pytest

from pipeline.core.domain import NO_TOKENS, Reply, Request
from pipeline.journal.journal import Journal
from pipeline.journal.spill import Spill, read_lines
from pipeline.runs.workers import cluster
from pipeline.runs.workers.segment import keep
from pipeline.testing import Script
from pipeline.testing.script import Latency
from tests.support.ended import is_gone
from tests.support.many import children, workers
from tests.support.project import Project
from tests.support.served import bill, nano, served
from tests.support.server import serve
from tests.support.settled import settled
from tests.support.waiting import wait_for

RAY = {"kind": "ray", "workers": 2}
FAKE = str(Path(__file__).parents[1] / "support/fake_ray")


def with_fake(project: Project, *arguments: str, **env: str) -> Any:
    return project.run(*arguments, PYTHONPATH=FAKE, **env)


@pytest.mark.parametrize(
    ("engine", "said"),
    [
        ({"kind": "dask"}, "must be 'ray'"),
        ({"kind": "ray", "address": "somewhere"}, "must be auto, local, or the address of a cluster"),
        ({"kind": "ray", "workers": 0}, "workers"),
        ({"kind": "ray", "nodes": 3}, "nodes"),
    ],
)
def test_what_an_engine_may_say(project: Project, engine: dict[str, Any], said: str) -> None:
    project.job(engine=engine)
    done = project.run("check", "job.yaml")
    assert done.returncode == 2 and said in done.stderr


def test_an_untrusted_job_uses_no_cluster(project: Project) -> None:
    project.job(engine=RAY)
    done = project.run("run", "job.yaml", "--untrusted")
    assert done.returncode == 2 and "no cluster may be used" in done.stderr


def test_an_engine_and_processes_are_two_ways(project: Project) -> None:
    project.job(engine=RAY)
    done = with_fake(project, "run", "job.yaml", "--processes", "2")
    assert done.returncode == 2 and "--processes are on this machine" in done.stderr


def test_without_the_package_it_says_what_to_install(project: Project) -> None:
    project.job(engine=RAY)
    done = with_fake(project, "run", "job.yaml", FAKE_RAY="none")
    assert done.returncode == 2 and "install the extra 'ray'" in done.stderr


def test_where_no_node_can_reach_this_machine_the_run_stops(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cluster, "FIRST_SECONDS", 3.0)
    project.job(engine=RAY)
    done = with_fake(project, "run", "job.yaml", FAKE_RAY="far")
    assert done.returncode == 75 and "no worker has called this machine at 127.0.0.1" in done.stderr
    assert project.run("status", "job.yaml").returncode == 0


@pytest.mark.parametrize("trouble", ["", "dies"])
def test_the_table_is_that_of_one_process(project: Project, trouble: str) -> None:
    project.job(records=Project.numbered(200))
    assert project.run("run", "job.yaml").returncode == 0
    alone = project.folder / "output/shop/posts.csv"
    before = alone.read_bytes()
    (project.folder / "output").rename(project.folder / "before")
    project.job(engine=RAY)
    done = with_fake(project, "run", "job.yaml", FAKE_RAY=trouble)
    assert done.returncode == 0 and "Connected" not in done.stdout, done.stderr
    assert alone.read_bytes() == before
    again = project.run("run", "job.yaml")  # without Ray: all is in the journal
    assert again.returncode == 0 and "0 requests sent" in again.stdout


def kept_and_written(project: Project) -> int:
    """How many replies workers have kept, or the owner had written, or both."""
    folder = project.folder / "output/shop"
    with closing(sqlite3.connect(f"file:{folder}/journal.sqlite?mode=ro", uri=True)) as journal:
        found = {digest for (digest,) in journal.execute("SELECT digest FROM attempts")}
    for file in folder.glob("spill/*.jsonl"):
        found |= {row[0] for row in read_lines(file.read_text().splitlines())[0]}
    return len(found)


def test_a_killed_owner_loses_nothing_not_even_what_was_under_way(project: Project) -> None:
    spilled = project.folder / "output/shop/spill"
    with serve(Script(latency=Latency(mean=0.4, jitter=0.3))) as server:
        models = served(server.base_url, limits={"concurrency": 8})
        project.job(records=Project.numbered(60), engine=RAY, models=models)
        run = project.start("run", "job.yaml", PYTHONPATH=FAKE)
        wait_for(lambda: server.ledger_path.exists() and server.ledger().billed >= 12)
        actors = [*children(run.pid), *workers(run.pid)]
        run.kill()
        run.communicate()
        wait_for(lambda: all(map(is_gone, actors)), 60)
        settled(server)  # what was under way is billed
        wait_for(lambda: kept_and_written(project) == server.ledger().billed)
        assert list(spilled.glob("*.jsonl"))
        done = with_fake(project, "run", "job.yaml")
        assert done.returncode == 0, done.stderr
        ledger = server.ledger()
    assert ledger.overpaid == 0 and ledger.billed == 60
    assert project.result()["sku"].to_list() == [f"{i:05}" for i in range(60)]
    status = project.numbers("status", "job.yaml")
    assert nano(status["cost"]) == bill(ledger) and status["unpriced"] == 0
    assert not spilled.exists()


@pytest.mark.parametrize("owner_has_it", [False, True])
def test_a_kept_reply_is_counted_once(tmp_path: Path, owner_has_it: bool) -> None:
    path = tmp_path / "journal.sqlite"
    request = Request("chat", "m", b"{}", "post", "1")
    reply = Reply("chat", b'{"choices": [{"message": {"content": "tea"}, "finish_reason": "stop"}]}', 0.1)

    async def written() -> None:
        with closing(Journal.open(path)) as journal:
            if owner_has_it:
                await journal.record(request, reply, NO_TOKENS, 7)

    anyio.run(written)
    keep(path, [(request, reply)])
    with closing(Journal.open(path)) as journal:
        rows = journal.select("SELECT outcome, cost FROM attempts")
    assert rows == [("answered", 7 if owner_has_it else None)]


def test_what_no_shared_folder_takes_is_kept_on_the_node_and_can_be_restored(
    project: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    project.job()
    assert project.run("run", "job.yaml").returncode == 0
    with closing(sqlite3.connect(project.folder / "output/shop/journal.sqlite")) as journal:
        ((digest, body),) = journal.execute("SELECT digest, body FROM attempts WHERE seq = 2")
        journal.execute("DELETE FROM attempts WHERE seq = 2")
        journal.commit()
    request = Request("chat", "scripted/m", b"", "post", "008")
    object.__setattr__(request, "_digest", digest)
    node = tmp_path / "node"
    node.mkdir()
    monkeypatch.setattr(Spill, "folders", lambda self: iter([tmp_path / "gone/spill", node / "spill"]))
    keep(tmp_path / "gone/journal.sqlite", [(request, Reply("chat", body, 0.1))])
    (file,) = node.glob("spill/*.jsonl")
    assert str(file) in capfd.readouterr().err
    assert project.run("journal", "restore", "job.yaml", str(file)).returncode == 0
    numbers = project.numbers("run", "job.yaml")
    assert (numbers["sent"], numbers["ok"]) == (0, 3)
