"""A live run is steered over its socket, by its owner alone, and no client disturbs it."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import ExitStack, asynccontextmanager
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import anyio
import pytest
from anyio.to_thread import run_sync

from pipeline.commands import LONGEST_LINE, POINTER, SOCKET, VERBS, command, request_line
from pipeline.control import CLIENTS, PATIENCE, controlled
from pipeline.errors import JobError
from pipeline.lock import locked


@pytest.fixture
def home() -> Iterator[Path]:
    """A run's folder with a path short enough for a socket, which pytest's own are not everywhere."""
    with TemporaryDirectory(prefix="p", dir="/tmp") as folder:
        yield Path(folder)


class Wheel:
    """A run that notes what it is told."""

    def __init__(self) -> None:
        self.heard: list[str] = []

    def status(self) -> dict[str, Any]:
        return {"phase": "asking", "heard": len(self.heard), "file": Path("x"), "quoted": 'ä "\ud800"'}

    def pause(self) -> str:
        self.heard.append("pause")
        return "paused"

    def resume(self) -> str:
        self.heard.append("resume")
        return "going on"

    def stop(self) -> str:
        self.heard.append("stop")
        raise RuntimeError("a bug")

    def set(self, path: str, value: str) -> str:
        if path != "models.writer.limits.rpm":
            raise JobError("there is no such setting", where=path, hint="did you mean 'rpm'?")
        self.heard.append(f"{path}={value}")
        return f"{path} is {value} now"


@asynccontextmanager
async def steered(folder: Path) -> AsyncIterator[Wheel]:
    """A run in this folder, with its lock; nothing is to go wrong with its socket."""
    wheel, said = Wheel(), list[str]()
    with locked(folder):
        async with controlled(folder, wheel, said.append):
            yield wheel
    assert said == []


async def told(folder: Path, verb: str, *arguments: str) -> dict[str, Any]:
    """What the run answers to somebody in another thread."""
    return await run_sync(partial(command, folder, verb, *arguments))


def connected(folder: Path) -> socket.socket:
    """A bare client."""
    client = socket.socket(socket.AF_UNIX)
    client.settimeout(5)
    client.connect(str(folder / SOCKET))
    return client


def heard(client: socket.socket) -> bytes:
    """Everything that the run says until it hangs up."""
    whole = b""
    try:
        while block := client.recv(65_536):
            whole += block
    except ConnectionResetError:
        pass
    return whole


async def asked(folder: Path, data: bytes, *, end: bool = False) -> bytes:
    """What a bare client hears that sends this, and closes its own side or does not."""

    def ask() -> bytes:
        with connected(folder) as client:
            try:
                client.sendall(data)
                if end:
                    client.shutdown(socket.SHUT_WR)
            except OSError:
                pass
            return heard(client)

    return await run_sync(ask)


# commands


async def test_commands_reach_the_run_and_its_words_come_back(home: Path) -> None:
    async with steered(home) as wheel:
        assert await told(home, "pause") == {"said": "paused"}
        assert await told(home, "resume") == {"said": "going on"}
        changed = await told(home, "set", "models.writer.limits.rpm=900")
        assert changed == {"said": "models.writer.limits.rpm is 900 now"}
        status = await told(home, "status")
    assert wheel.heard == ["pause", "resume", "models.writer.limits.rpm=900"]
    assert status == {"phase": "asking", "heard": 3, "file": "x", "quoted": 'ä "\ud800"'}


async def test_every_command_there_is_is_known_to_the_run(home: Path) -> None:
    async with steered(home):
        for verb in VERBS:
            arguments = ["models.writer.limits.rpm", "1"] if verb == "set" else []
            line = json.dumps({"verb": verb, "arguments": arguments}).encode() + b"\n"
            assert b"no such command" not in await asked(home, line)


async def test_a_refusal_comes_back_with_its_place_and_hint(home: Path) -> None:
    async with steered(home):
        with pytest.raises(JobError) as error:
            await told(home, "set", "models.writer.limits.rpn=900")
    assert str(error.value) == "models.writer.limits.rpn: there is no such setting\n  did you mean 'rpm'?"


async def test_a_bug_behind_a_command_does_not_reach_the_run(home: Path) -> None:
    async with steered(home):
        with pytest.raises(JobError, match="RuntimeError"):
            await told(home, "stop")
        assert (await told(home, "status"))["heard"] == 1


async def test_what_ends_the_run_comes_out_as_it_is(home: Path) -> None:
    with pytest.raises(KeyError, match="mine"):
        async with steered(home):
            raise KeyError("mine")
    assert not (home / SOCKET).exists()


async def test_a_run_that_is_cancelled_leaves_no_socket(home: Path) -> None:
    with anyio.move_on_after(0.05) as scope:
        async with steered(home):
            await anyio.sleep_forever()
    assert scope.cancelled_caught
    assert [path.name for path in home.iterdir()] == ["lock"]


@pytest.mark.parametrize(
    ("verb", "arguments", "sentence"),
    [
        ("pauze", (), "unknown command 'pauze'"),
        ("pause", ("now",), "pause takes nothing more"),
        ("set", (), "KEY=VALUE"),
        ("set", ("rpm",), "KEY=VALUE"),
        ("set", ("=3",), "KEY=VALUE"),
        ("set", ("a=1", "b=2"), "KEY=VALUE"),
        ("set", ("a=" + "x" * LONGEST_LINE,), "at most 65,536 bytes"),
    ],
)
def test_a_wrong_command_is_refused_before_it_is_sent(
    verb: str, arguments: tuple[str, ...], sentence: str
) -> None:
    with pytest.raises(JobError, match=sentence) as error:
        request_line(verb, arguments)
    assert error.value.exit_code == 2


def test_a_value_may_hold_an_equals_sign() -> None:
    sent = json.loads(request_line("set", [" models.m.hours = a=b "]))
    assert sent == {"verb": "set", "arguments": ["models.m.hours", "a=b"]}


# nobody there


def test_nobody_runs_the_job(home: Path) -> None:
    with pytest.raises(JobError, match="nobody runs this job") as error:
        command(home, "status")
    assert error.value.exit_code == 2
    assert "pipeline run" in error.value.hint


_RUN = """
import sys, anyio
from pathlib import Path
from pipeline.control import controlled
from pipeline.lock import locked
class Steer:
    def status(self): return {}
async def main():
    with locked(Path(sys.argv[1])):
        async with controlled(Path(sys.argv[1]), Steer(), print):
            print("ready", flush=True)
            await anyio.sleep_forever()
anyio.run(main)
"""


def killed(folder: Path) -> None:
    """Start a run there and kill it."""
    process = subprocess.Popen(
        [sys.executable, "-c", _RUN, str(folder)],
        stdout=subprocess.PIPE,
        text=True,
        cwd=Path(__file__).parents[1],
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    process.kill()
    process.communicate(timeout=20)


async def test_the_socket_of_a_killed_run_is_nobody_and_is_replaced(home: Path) -> None:
    await run_sync(killed, home)
    assert (home / SOCKET).is_socket()
    with pytest.raises(JobError, match="nobody runs this job"):
        await told(home, "status")
    async with steered(home):
        assert await told(home, "pause") == {"said": "paused"}
    assert [path.name for path in home.iterdir()] == ["lock"]


async def test_a_command_waits_for_a_run_that_has_just_begun(home: Path) -> None:
    answers: list[dict[str, Any]] = []

    async def early() -> None:
        answers.append(await told(home, "pause"))

    async with anyio.create_task_group() as group:
        with locked(home):
            group.start_soon(early)
            await anyio.sleep(0.15)
            async with controlled(home, Wheel(), pytest.fail):
                while not answers:
                    await anyio.sleep(0.01)
    assert answers == [{"said": "paused"}]


@pytest.mark.parametrize("answer", [b"", b"{", b"[1]\n", b"{}\n"])
async def test_a_run_that_breaks_off_is_an_error(home: Path, answer: bytes) -> None:
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(home / SOCKET))
        server.listen()

        def serve() -> None:
            client, _ = server.accept()
            with client:
                client.recv(LONGEST_LINE)
                client.sendall(answer)

        async with anyio.create_task_group() as group:
            group.start_soon(run_sync, serve)
            with pytest.raises(JobError, match="no answer"):
                await told(home, "status")


# where the socket lies


async def test_the_socket_is_its_owners_alone_whatever_the_umask(home: Path) -> None:
    before = os.umask(0)
    try:
        async with steered(home):
            mode = (home / SOCKET).stat().st_mode
            assert mode & 0o777 == 0o600
            assert sorted(path.name for path in home.iterdir()) == [SOCKET, "lock"]
    finally:
        os.umask(before)


def deep(folder: Path) -> Path:
    """A folder whose path is too long for a socket."""
    path = folder.joinpath(*["a-rather-long-name"] * 6)
    path.mkdir(parents=True)
    return path


async def test_a_path_too_long_for_a_socket_is_followed_to_a_private_folder(home: Path) -> None:
    folder = deep(home)
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


async def test_what_a_killed_run_pointed_to_is_replaced(home: Path) -> None:
    folder = deep(home)
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


async def test_a_pointer_left_behind_does_not_mislead_from_the_folders_own_socket(home: Path) -> None:
    (home / POINTER).write_text("/nowhere/at/all")
    async with steered(home):
        assert await told(home, "pause") == {"said": "paused"}


async def test_a_run_without_a_socket_says_so_and_goes_on(home: Path) -> None:
    said: list[str] = []
    async with controlled(home / "none", Wheel(), said.append):
        assert len(said) == 1
        assert "hears no commands from other terminals: No such file" in said[0]


@pytest.mark.skipif(sys.platform != "linux" or os.geteuid() != 0, reason="needs two users")
async def test_another_user_is_not_heard_even_where_the_file_would_let_him(home: Path) -> None:
    home.chmod(0o755)
    stranger = (
        "import os, socket, sys\n"
        "os.setuid(65534)\n"
        "client = socket.socket(socket.AF_UNIX)\n"
        "client.connect(sys.argv[1])\n"
        'client.sendall(b\'{"verb": "pause", "arguments": []}\\n\')\n'
        "print(client.recv(1000))\n"
    )
    async with steered(home) as wheel:
        (home / SOCKET).chmod(0o666)
        asking = [sys.executable, "-c", stranger, str(home / SOCKET)]
        done = await anyio.run_process(asking, check=False)
    assert done.stdout == b"b''\n" or b"ConnectionResetError" in done.stderr or b"BrokenPipe" in done.stderr
    assert wheel.heard == []


# hostile clients


@pytest.mark.parametrize(
    "data",
    [
        b"\xff\xfe\x00\n",
        b"[" * 60_000 + b"\n",
        b'{"verb": "pause"}\n',
        b'{"verb": ["pause"], "arguments": []}\n',
        b'{"verb": "pause", "arguments": [1]}\n',
        b'{"verb": "pause", "arguments": ["x"]}\n',
        b'{"verb": "__class__", "arguments": []}\n',
        b"null\n",
        b"GET / HTTP/1.1\r\n\r\n",
    ],
)
async def test_rubbish_is_answered_with_an_error_and_does_nothing(home: Path, data: bytes) -> None:
    async with steered(home) as wheel:
        answer = json.loads(await asked(home, data))
        assert set(answer) == {"error"}
        assert (await told(home, "status"))["heard"] == 0
    assert wheel.heard == []


async def test_a_line_without_an_end_is_cut_off(home: Path) -> None:
    async with steered(home):
        answer = await asked(home, b"x" * 10_000_000)
        assert b"at most 65,536 bytes" in answer


async def test_a_client_that_ends_its_side_instead_of_its_line_is_answered(home: Path) -> None:
    async with steered(home):
        assert json.loads(await asked(home, b'{"verb": "pause", "arguments": []}', end=True)) == {
            "answer": {"said": "paused"}
        }
        assert await asked(home, b"", end=True) == b""


async def test_only_the_first_line_of_a_connection_is_obeyed(home: Path) -> None:
    line = request_line("pause")
    async with steered(home) as wheel:
        assert (await asked(home, line * 5)).count(b"\n") == 1
    assert wheel.heard == ["pause"]


async def test_a_silent_client_is_hung_up_on_in_time(home: Path) -> None:
    async with steered(home):
        began = time.monotonic()
        assert await asked(home, b'{"verb": ') == b""
        assert PATIENCE * 0.9 < time.monotonic() - began < PATIENCE + 2


@pytest.fixture
def crowd() -> Iterator[Callable[[Path, int], None]]:
    """Clients that connect and say nothing."""
    with ExitStack() as stack:

        def gather(folder: Path, count: int) -> None:
            for _ in range(count):
                stack.enter_context(connected(folder))

        yield gather


async def test_two_hundred_clients_at_once_are_all_answered(home: Path) -> None:
    answers: list[dict[str, Any]] = []
    threads = anyio.CapacityLimiter(200)

    async def ask() -> None:
        answers.append(await run_sync(command, home, "pause", limiter=threads))

    async with steered(home) as wheel, anyio.create_task_group() as group:
        for _ in range(200):
            group.start_soon(ask)
    assert len(answers) == len(wheel.heard) == 200


async def test_a_crowd_of_silent_clients_delays_a_command_and_no_more(
    home: Path, crowd: Callable[[Path, int], None]
) -> None:
    async with steered(home):
        await run_sync(crowd, home, CLIENTS + 20)
        began = time.monotonic()
        assert await told(home, "pause") == {"said": "paused"}
        assert time.monotonic() - began < PATIENCE + 2


async def test_clients_that_are_still_there_do_not_keep_a_run_from_its_end(
    home: Path, crowd: Callable[[Path, int], None]
) -> None:
    async with steered(home):
        await run_sync(crowd, home, 5)
        await anyio.sleep(0.05)
        began = time.monotonic()
    assert time.monotonic() - began < 0.5
