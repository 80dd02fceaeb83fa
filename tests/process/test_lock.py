"""Of two runs of one job the second ends at once, and a lock dies with its process."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from pipeline.core.errors import DiskError, Locked
from pipeline.system.lock import holder, locked
from tests.support import ROOT

_HOLD = """
import sys, time
from pathlib import Path
from pipeline.system.lock import locked
with locked(Path(sys.argv[1])):
    print("held", flush=True)
    sys.stdin.read()
"""


def held(folder: Path) -> subprocess.Popen[str]:
    process = subprocess.Popen(
        [sys.executable, "-c", _HOLD, str(folder)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=ROOT,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "held\n"
    return process


def end(process: subprocess.Popen[str], *, kill: bool = False) -> None:
    if kill:
        process.kill()
    process.communicate(timeout=20)


def test_the_second_run_is_told_who_holds_the_lock(tmp_path: Path) -> None:
    process = held(tmp_path)
    try:
        with pytest.raises(Locked) as error, locked(tmp_path):
            pytest.fail("two runs at once")
        assert f"pid {process.pid} on {socket.gethostname()}" in str(error.value)
        assert error.value.exit_code == 75
        assert holder(tmp_path) == f"pid {process.pid} on {socket.gethostname()}"
    finally:
        end(process)
    assert holder(tmp_path) == ""


def test_a_killed_run_leaves_no_lock_behind(tmp_path: Path) -> None:
    end(held(tmp_path), kill=True)
    assert holder(tmp_path) == ""
    with locked(tmp_path):
        assert holder(tmp_path).startswith(f"pid {os.getpid()} ")


def test_a_child_does_not_inherit_the_lock(tmp_path: Path) -> None:
    with locked(tmp_path):
        child = subprocess.Popen(["sleep", "30"], close_fds=False)
    try:
        with locked(tmp_path):
            assert child.poll() is None
    finally:
        child.kill()
        child.wait()


def test_an_error_inside_frees_the_lock(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError), locked(tmp_path):
        raise RuntimeError
    assert holder(tmp_path) == ""


def test_the_folder_is_made_for_its_owner_only(tmp_path: Path) -> None:
    with locked(tmp_path / "output" / "job"):
        assert (tmp_path / "output" / "job").stat().st_mode & 0o777 == 0o700
        assert (tmp_path / "output" / "job" / "lock").stat().st_mode & 0o777 == 0o600


def test_a_folder_that_cannot_be_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(DiskError), locked(tmp_path / "file" / "job"):
        pytest.fail("there is no such folder")


def test_nobody_holds_a_folder_that_is_not_there(tmp_path: Path) -> None:
    assert holder(tmp_path / "none") == ""
