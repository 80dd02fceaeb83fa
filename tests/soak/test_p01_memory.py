"""Runs that run out of memory: the system kills them, or refuses them more; the next run goes on."""

from __future__ import annotations

import os
import resource
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from pipeline.testing import Rule, Script, Server, serve
from tests.support.journals import answered, spilled
from tests.support.project import Project
from tests.support.waiting import wait_for

GROUPS = Path("/sys/fs/cgroup/memory")
WIDTH = 16
FIRST = 40
"""answers that a run has committed before its memory gets short"""
RUN = ("run", "job.yaml", "--set", f"models.writer.limits.concurrency={WIDTH}")


@contextmanager
def group() -> Iterator[Path]:
    """A new group of processes whose memory can be limited."""
    folder = GROUPS / f"pipeline-test-{os.getpid()}"
    try:
        folder.mkdir()
    except OSError as error:
        pytest.skip(f"no memory group can be made: {error}")
    try:
        yield folder
    finally:
        wait_for(lambda: not (folder / "cgroup.procs").read_text())
        folder.rmdir()


def inside(project: Project, folder: Path) -> subprocess.Popen[str]:
    """A run that is in the group from its first instruction on."""
    enter = f'echo $$ > {folder}/cgroup.procs && exec "$@"'
    return subprocess.Popen(
        ["sh", "-c", enter, "sh", *project.command(*RUN)],
        cwd=project.folder,
        env=project.environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def squeeze(folder: Path, process: subprocess.Popen[str]) -> None:
    """Take memory from a group, as much as it can spare each time, until the system kills for want of it."""
    while process.poll() is None:
        used = int((folder / "memory.usage_in_bytes").read_text())
        with suppress(OSError):  # more is in use than could be taken
            (folder / "memory.limit_in_bytes").write_text(str(used - (4 << 20)))
        with suppress(OSError):
            (folder / "memory.limit_in_bytes").write_text(str(used))
        time.sleep(0.01)


def working(project: Project, process: subprocess.Popen[str]) -> None:
    """Wait until a run has committed some answers."""
    journal = project.folder / "output/shop/journal.sqlite"
    wait_for(lambda: len(answered(journal)) >= FIRST or process.poll() is not None)
    assert process.poll() is None, process.communicate()


def goes_on(project: Project, server: Server, rows: int) -> None:
    """Run to the end with memory enough, and hold the table and the ledger to what must be."""
    journal = project.folder / "output/shop/journal.sqlite"
    kept, before = answered(journal) | spilled(journal), time.time()
    assert FIRST <= len(kept) < rows, "it was met at work"
    done = project.run(*RUN)
    assert done.returncode == 0, done.stderr
    table = (project.folder / "output/shop/posts.csv").read_bytes()
    ledger = server.ledger()
    assert not [line for line in ledger.lines if line.arrived > before and line.digest in kept]
    assert ledger.overpaid <= WIDTH and len(ledger.paid) == rows
    shutil.rmtree(project.folder / "output")
    with serve() as another:
        project.job(another.base_url)
        assert project.run(*RUN).returncode == 0
    assert (project.folder / "output/shop/posts.csv").read_bytes() == table


@pytest.mark.skipif(
    os.geteuid() != 0 or not (GROUPS / "memory.limit_in_bytes").exists(),
    reason="needs root and version 1 of control groups",
)
def test_p01_a_run_that_is_killed_for_want_of_memory_goes_on(project: Project) -> None:
    with serve(Script(latency=0.1)) as server, group() as folder:
        project.job(server.base_url, records=Project.numbered(1000))
        process = inside(project, folder)
        try:
            working(project, process)
            squeeze(folder, process)
        finally:
            process.kill()
            said = process.communicate()
        assert process.returncode == -signal.SIGKILL, said
        assert "oom_kill 1" in (folder / "memory.oom_control").read_text()
        goes_on(project, server, 1000)


@pytest.mark.parametrize("spare", [0, 8 << 20])
def test_p01_a_run_that_is_refused_more_memory_ends_and_goes_on(project: Project, spare: int) -> None:
    large = Rule(after=FIRST + WIDTH, fault="huge", bytes=3_000_000)
    with serve(Script(latency=0.1, faults=(large,))) as server:
        project.job(server.base_url, records=Project.numbered(90))
        process = project.start(*RUN)
        try:
            working(project, process)
            pages = int(Path(f"/proc/{process.pid}/statm").read_text().split()[0])
            limit = pages * resource.getpagesize() + spare
            resource.prlimit(process.pid, resource.RLIMIT_AS, (limit, limit))
            _, said = process.communicate(timeout=60)
        finally:
            process.kill()
            process.communicate()
        assert process.returncode in (74, 75) or process.returncode < 0, said
        assert process.returncode < 0 or "Traceback" not in said, said
        goes_on(project, server, 90)
