"""Power cuts: what a disk had taken when its power went has every committed answer in it.

A disk that loses its power is played by a copy of a mounted image, which has nothing of what the system
holds in memory.
"""

from __future__ import annotations

import os
import shutil
import signal
import sqlite3
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from pipeline.testing import Script, serve
from tests.support.journals import ANSWERED, answered
from tests.support.project import Project

CUTS = 100
"""of each of two runs"""


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


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder for images, in memory where that can be had: only their bytes count, and 200 are copied."""
    memory = Path("/dev/shm")
    with tempfile.TemporaryDirectory(dir=memory if memory.is_dir() else None) as made:
        yield Path(made)


@pytest.mark.skipif(not _can_mount(), reason="needs root, loop devices and mkfs.ext4")
@pytest.mark.parametrize("latency", [0.02, 0.06])
def test_p02_a_power_cut_loses_no_committed_answer(latency: float, folder: Path) -> None:
    image, disk = folder / "disk.img", folder / "disk"
    with image.open("wb") as file:
        file.truncate(24 << 20)
    subprocess.run(["mkfs.ext4", "-q", "-F", str(image)], check=True)
    with mounted(image, disk), serve(Script(latency=latency)) as server:
        project = Project(disk)
        project.job(server.base_url, records=Project.numbered(4000))
        process = project.start("run", "job.yaml", "--set", "models.writer.limits.concurrency=8")
        try:
            cuts, lost = cut(process, image, disk / "output/shop/journal.sqlite", folder)
        finally:
            process.terminate()
            said = process.communicate(timeout=30)
            time.sleep(0.2)
    assert cuts >= CUTS // 2, f"only {cuts} cuts while the run went on: {said}"
    assert lost == 0


def cut(process: subprocess.Popen[str], image: Path, journal: Path, folder: Path) -> tuple[int, int]:
    """Cut the power again and again while a run goes on: (how often, how many answers were lost)."""
    cuts = lost = 0
    copy, after = folder / "copy.img", folder / "after"
    while cuts < CUTS and process.poll() is None:
        before = answered(journal)
        process.send_signal(signal.SIGSTOP)  # a copy takes a while, a power cut does not
        shutil.copyfile(image, copy)
        process.send_signal(signal.SIGCONT)
        if not before:
            time.sleep(0.05)
            continue
        with mounted(copy, after):
            lost += len(before - answered_after(after / "output/shop/journal.sqlite"))
        cuts += 1
    return cuts, lost


def answered_after(journal: Path) -> set[str]:
    """The same after a power cut: the journal is recovered first, as the next run would do."""
    try:
        with closing(sqlite3.connect(journal)) as connection:
            return {digest for (digest,) in connection.execute(ANSWERED)}
    except sqlite3.Error:  # what cannot be read is lost
        return set()
