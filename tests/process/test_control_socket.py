"""The socket of a run is its owner's alone, wherever it has to lie."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

import anyio
import pytest
from anyio.to_thread import run_sync

from pipeline.core.errors import JobError
from pipeline.runs.control.client import POINTER, SOCKET
from pipeline.runs.control.server import controlled
from tests.support.steered import Wheel, killed, steered, told


async def test_the_socket_is_its_owners_alone_whatever_the_umask(short_folder: Path) -> None:
    before = os.umask(0)
    try:
        async with steered(short_folder):
            mode = (short_folder / SOCKET).stat().st_mode
            assert mode & 0o777 == 0o600
            assert sorted(path.name for path in short_folder.iterdir()) == [SOCKET, "lock"]
    finally:
        os.umask(before)


def deep(folder: Path) -> Path:
    """A folder whose path is too long for a socket."""
    path = folder.joinpath(*["a-rather-long-name"] * 6)
    path.mkdir(parents=True)
    return path


async def test_a_path_too_long_for_a_socket_is_followed_to_a_private_folder(short_folder: Path) -> None:
    folder = deep(short_folder)
    before = os.umask(0)
    try:
        async with steered(folder):
            assert await told(folder, "pause") == {"said": "paused"}
            place = Path((folder / POINTER).read_text())
            assert (folder / POINTER).stat().st_mode & 0o777 == 0o600
            assert place.stat().st_mode & 0o777 == 0o600
            assert place.parent.stat().st_mode & 0o777 == 0o700
            assert not (folder / SOCKET).exists()
    finally:
        os.umask(before)
    assert not place.parent.exists()
    assert [path.name for path in folder.iterdir()] == ["lock"]


async def test_what_a_killed_run_pointed_to_is_replaced(short_folder: Path) -> None:
    folder = deep(short_folder)
    await run_sync(killed, folder)
    left = Path((folder / POINTER).read_text()).parent
    try:
        with pytest.raises(JobError, match="nobody runs this job"):
            await told(folder, "status")
        async with steered(folder):
            assert await told(folder, "pause") == {"said": "paused"}
    finally:
        shutil.rmtree(left)
    assert not (folder / POINTER).exists()


async def test_a_pointer_left_behind_does_not_mislead_from_the_folders_own_socket(short_folder: Path) -> None:
    (short_folder / POINTER).write_text("/nowhere/at/all")
    async with steered(short_folder):
        assert await told(short_folder, "pause") == {"said": "paused"}


async def test_a_run_without_a_socket_says_so_and_goes_on(short_folder: Path) -> None:
    said: list[str] = []
    async with controlled(short_folder / "none", Wheel(), said.append):
        assert len(said) == 1
        assert "cannot receive commands from other terminals: No such file" in said[0]


@pytest.mark.skipif(sys.platform != "linux" or os.geteuid() != 0, reason="needs two users")
async def test_another_user_is_not_heard_even_where_the_file_would_let_him(short_folder: Path) -> None:
    short_folder.chmod(0o755)
    stranger = (
        "import os, socket, sys\n"
        "os.setuid(65534)\n"
        "client = socket.socket(socket.AF_UNIX)\n"
        "client.connect(sys.argv[1])\n"
        'client.sendall(b\'{"verb": "pause", "arguments": []}\\n\')\n'
        "print(client.recv(1000))\n"
    )
    async with steered(short_folder) as wheel:
        (short_folder / SOCKET).chmod(0o666)
        asking = [sys.executable, "-c", stranger, str(short_folder / SOCKET)]
        done = await anyio.run_process(asking, check=False)
    assert done.stdout == b"b''\n" or b"ConnectionResetError" in done.stderr or b"BrokenPipe" in done.stderr
    assert wheel.heard == []
