"""A key is sent, and stands nowhere else: not in any file, not in any stream, whatever goes wrong."""

from __future__ import annotations

import os
import resource
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import closing, suppress
from http.server import ThreadingHTTPServer
from pathlib import Path

import pytest

from pipeline.core.errors import PipelineError
from pipeline.runs.control.client import command
from pipeline.testing import Rule, Script
from tests.support.canary import KEY, Hostile, disguises, found
from tests.support.project import Project
from tests.support.server import serve

MODES = (
    "fine", "half", "echo", "slow", "encoded", "page", "percent", "garbage", "fine", "headers", "escaped",
    "backwards", "hexadecimal", "code", "rate",
)  # fmt: skip


@pytest.fixture
def address() -> Iterator[str]:
    Hostile.keys, Hostile.over = set(), threading.Event()
    server = ThreadingHTTPServer(("127.0.0.1", 0), Hostile)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    Hostile.over.set()
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("home")


def env(home: Path, **more: str) -> dict[str, str]:
    places = {"TMPDIR": str(home), "HOME": str(home)}
    return {"TEST_KEY": KEY, "OPENAI_LOG": "debug", "PYTHONASYNCIODEBUG": "1", **places, **more}


def job(project: Project, address: str, modes: tuple[str, ...] = MODES, **limits: float) -> None:
    model = {"provider": "openai", "model": "m", "base_url": address, "api_key_env": "TEST_KEY"}
    model["limits"] = {"retries": 0, "maybe_billed_retries": 0, "timeout": 1.0, "concurrency": 1, **limits}
    records = "sku,mode\n" + "".join(f"{i},{mode}\n" for i, mode in enumerate(modes))
    project.job(
        records=records,
        models={"writer": model},
        steps=[{"name": "post", "prompt": "{{ sku }}: be {{ mode }}", "repairs": 0}],
        output={"to": ["output/shop/posts.csv", "output/shop/posts.jsonl"], "include": ["status", "reason"]},
        max_failed=1,
    )


def test_a_key_that_servers_send_back_in_all_disguises_stands_nowhere(
    project: Project, address: str, home: Path
) -> None:
    job(project, f"{address}/v1")
    done = project.spawn("run", "job.yaml", "--json", **env(home))
    assert done.returncode == 3, done.stderr
    assert Hostile.keys == {KEY}
    rows = {row["mode"]: row for row in project.result().to_dicts()}
    assert rows["fine"]["post"] == "fine"
    assert rows["echo"]["post"] == "Your key is ***."
    assert len(rows) == len(set(MODES))
    again = project.run("status", "job.yaml", "--json", **env(home))
    shown = project.run("show", "job.yaml", "--rows", "99", **env(home))
    looked = project.run("doctor", "job.yaml", "--json", **env(home))
    streams = [text for one in (done, again, shown, looked) for text in (one.stdout, one.stderr)]
    assert found(project.folder, home, *streams) == []


@pytest.mark.parametrize("mode", ["unauthorized", "forbidden", "moved"])
def test_a_key_that_is_refused_is_named_and_not_shown(
    mode: str, project: Project, address: str, home: Path
) -> None:
    job(project, f"{address}/{mode}/v1")
    done = project.run("run", "job.yaml", **env(home))
    assert done.returncode == (4 if mode != "moved" else 75), done.stderr
    assert Hostile.keys == {KEY}
    assert found(project.folder, home, done.stdout, done.stderr) == []


CRASHING = """
import sys, traceback
from pipeline.wire.apis import chat

def shown(kind, error, trace):
    told = traceback.TracebackException(kind, error, trace, capture_locals=True)
    print("".join(told.format()), file=sys.stderr)

def broken(body, **_):
    raise RuntimeError("a bug")

sys.excepthook = shown
chat.read = broken
from pipeline.cli import main
main()
"""


def test_a_crash_that_shows_every_local_variable_shows_no_key(
    project: Project, address: str, home: Path
) -> None:
    job(project, f"{address}/v1", ("echo",))
    done = subprocess.run(
        [sys.executable, "-X", "dev", "-c", CRASHING, "run", "job.yaml"],
        cwd=project.folder, env=project.environment(**env(home)), capture_output=True, text=True, timeout=60,
    )  # fmt: skip
    assert "RuntimeError: a bug" in done.stderr
    assert "key = ***" in done.stderr or "request = " in done.stderr
    assert Hostile.keys == {KEY}
    assert found(project.folder, home, done.stdout, done.stderr) == []


def test_answers_that_no_disk_takes_are_saved_without_the_key(
    project: Project, address: str, home: Path
) -> None:
    job(project, f"{address}/v1", ("long",) * 6, concurrency=6, timeout=20)
    done = subprocess.run(
        project.command("run", "job.yaml"), cwd=project.folder, env=project.environment(**env(home)),
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (250_000, 250_000)),
        capture_output=True, text=True, timeout=60,
    )  # fmt: skip
    assert done.returncode == 74, done.stderr
    saved = [*project.folder.rglob("spill/*.jsonl"), *home.rglob("*.jsonl")]
    assert saved or "pipeline-spilled" in done.stderr
    assert Hostile.keys == {KEY}
    assert found(project.folder, home, done.stdout, done.stderr) == []


def in_flight(folder: Path) -> int:
    """How many requests of the live run are under way."""
    with suppress(PipelineError):
        return int(command(folder, "status")["requests"]["in_flight"])
    return 0


def test_a_killed_run_and_its_status_keep_no_key(project: Project, address: str, home: Path) -> None:
    job(project, f"{address}/v1", ("fine", "headers", "hang", "hang"), timeout=30, concurrency=4)
    run = project.start("run", "job.yaml", **env(home))
    deadline = time.monotonic() + 20
    while not in_flight(project.folder / "output/shop") and time.monotonic() < deadline:
        time.sleep(0.05)
    status = project.run("ctl", "job.yaml", "status", "--json", **env(home))
    os.kill(run.pid, signal.SIGKILL)
    out, err = run.communicate()
    assert run.returncode == -signal.SIGKILL
    assert status.returncode == 0, status.stderr
    assert Hostile.keys == {KEY}
    assert found(project.folder, home, out, err, status.stdout, status.stderr) == []


def test_the_search_finds_a_key_where_there_is_one(tmp_path: Path) -> None:
    for i, form in enumerate(disguises(KEY)):
        (tmp_path / str(i)).write_bytes(b"..." + form + b"...")
    assert len({line.split(":")[0] for line in found(tmp_path)}) == len(disguises(KEY))
    assert found(f"Bearer {KEY}")


def test_p21_the_key_stands_in_no_file_and_no_stream(project: Project) -> None:
    key, said = KEY, ""
    echo = f"Your key is {key}, and again: {key[::-1]}."
    for faults in ((Rule(every=1, fault="unauthorized", message=echo),), ()):
        with serve(Script(answer=echo, faults=faults)) as server:
            project.job(server.base_url)
            done = project.run("run", "job.yaml", TEST_KEY=key)
            assert done.returncode == (4 if faults else 0), done.stderr
            said += done.stdout + done.stderr
    assert len([file for file in project.folder.rglob("*") if file.is_file()]) >= 6
    assert found(project.folder, said) == []
    with closing(sqlite3.connect(project.folder / "output/shop/journal.sqlite")) as journal:
        assert journal.execute("SELECT count(*) FROM attempts").fetchone()[0] >= 4
