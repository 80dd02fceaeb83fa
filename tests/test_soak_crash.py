"""kill -9 before every write and sync of a run, and power cuts: what was committed is there, and nothing else

is paid for again. System calls are stopped by strace; a disk that loses its power is the copy of a mounted
image.
"""

from __future__ import annotations

import os
import shutil
import signal
import sqlite3
import subprocess
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from pipeline.scripted import Script, Server, serve
from tests.project import Project

CALLS = "write,pwrite64,fsync,fdatasync,ftruncate,rename,renameat,renameat2,unlink"
ROWS = 12
CUTS = 200
ANSWERED = "SELECT lower(hex(digest)) FROM attempts WHERE outcome = 'answered'"


def traced(project: Project, *options: str) -> subprocess.CompletedProcess[str]:
    """Run the job under strace."""
    command = ["strace", "-f", "-qq", "-o", str(project.folder / "trace"), *options]
    return subprocess.run(
        [*command, *project.command("run", "job.yaml")],
        cwd=project.folder,
        env=project.environment(PYTHONDONTWRITEBYTECODE="1"),
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def calls_on_state(project: Project) -> int:
    """How many writing calls a whole run makes on the files of its folder."""
    done = traced(project, "-e", f"trace={CALLS}", *paths(project))
    assert done.returncode == 0, done.stderr
    return len((project.folder / "trace").read_text().splitlines())


def paths(project: Project) -> list[str]:
    """The files of a run, as strace wants them named."""
    folder = project.folder / "output/shop"
    names = ["journal.sqlite", "journal.sqlite-wal", "posts.csv", "lock"]
    return [word for name in names for word in ("-P", str(folder / name))]


@pytest.mark.soak
@pytest.mark.skipif(shutil.which("strace") is None, reason="strace is not installed")
@pytest.mark.parametrize("concurrency", [1, 8])
def test_p01_kill_9_before_every_write_and_sync(project: Project, concurrency: int) -> None:
    with serve(Script(latency=0.005)) as server:
        model = {"limits": {"concurrency": concurrency, "outage": 5}}
        project.job(server.base_url, records=Project.numbered(ROWS), models=models(server, model))
        points = calls_on_state(project)
        expected = (project.folder / "output/shop/posts.csv").read_bytes()
        assert points > ROWS // concurrency
    for point in range(1, points + 1):
        shutil.rmtree(project.folder / "output")
        with serve(Script(latency=0.005)) as server:
            project.job(server.base_url, models=models(server, model))
            inject = f"inject={CALLS}:signal=KILL:when={point}"
            traced(project, "-e", f"trace={CALLS}", "-e", inject, *paths(project))
            kept = answered(project.folder / "output/shop/journal.sqlite")
            done = project.run("run", "job.yaml")
            assert done.returncode == 0, f"point {point}: {done.stderr}"
            ledger = server.ledger()
        assert (project.folder / "output/shop/posts.csv").read_bytes() == expected, f"point {point}"
        assert ledger.overpaid <= concurrency, f"point {point}: paid twice for {ledger.overpaid}"
        twice = {digest for digest, times in ledger.paid.items() if times > 1}
        assert not twice & kept, f"point {point}: what was committed was paid for again"


def models(server: Server, more: dict[str, object]) -> dict[str, object]:
    """The model of the job, with other limits."""
    return {"writer": {"model": "m", "base_url": server.base_url, "api_key_env": "TEST_KEY", **more}}


def answered(journal: Path) -> set[str]:
    """The digests that a journal has answers for; none where there is no journal yet."""
    if not journal.exists():
        return set()
    try:
        with closing(sqlite3.connect(f"file:{journal}?mode=ro", uri=True)) as connection:
            return {digest for (digest,) in connection.execute(ANSWERED)}
    except sqlite3.OperationalError:
        return set()


@contextmanager
def mounted(image: Path, at: Path) -> Iterator[None]:
    """A disk image, mounted."""
    at.mkdir(exist_ok=True)
    subprocess.run(["mount", "-o", "loop", str(image), str(at)], check=True, capture_output=True)
    try:
        yield
    finally:
        subprocess.run(["umount", str(at)], check=True, capture_output=True)


def _can_mount() -> bool:
    return os.geteuid() == 0 and all(map(shutil.which, ("mount", "umount", "mkfs.ext4"))) and _loops()


def _loops() -> bool:
    return Path("/dev/loop-control").exists()


@pytest.mark.soak
@pytest.mark.skipif(not _can_mount(), reason="needs root, loop devices and mkfs.ext4")
def test_p02_a_power_cut_loses_no_committed_answer(tmp_path: Path) -> None:
    image, disk, copy = tmp_path / "disk.img", tmp_path / "disk", tmp_path / "copy.img"
    with image.open("wb") as file:
        file.truncate(32 << 20)
    subprocess.run(["mkfs.ext4", "-q", "-F", str(image)], check=True)
    with mounted(image, disk), serve(Script(latency=0.05)) as server:
        project = Project(disk)
        project.job(server.base_url, records=Project.numbered(6000))
        process = project.start("run", "job.yaml", "--set", "models.writer.limits.concurrency=8")
        journal = disk / "output/shop/journal.sqlite"
        cuts = lost = 0
        while cuts < CUTS and process.poll() is None:
            before = answered(journal)
            process.send_signal(signal.SIGSTOP)  # a copy takes a while, a power cut does not
            shutil.copyfile(image, copy)
            process.send_signal(signal.SIGCONT)
            if not before:
                continue
            with mounted(copy, tmp_path / "after"):
                after = answered_after(tmp_path / "after/output/shop/journal.sqlite")
                lost += len(before - after)
            cuts += 1
        process.terminate()
        said = process.communicate(timeout=30)
        time.sleep(0.2)
    assert cuts >= CUTS // 2, f"only {cuts} cuts while the run went on: {said}"
    assert lost == 0


def answered_after(journal: Path) -> set[str]:
    """The same after a power cut: the journal is recovered first, as the next run would do."""
    with closing(sqlite3.connect(journal)) as connection:
        return {digest for (digest,) in connection.execute(ANSWERED)}
