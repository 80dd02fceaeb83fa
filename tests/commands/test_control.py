"""A live run is steered over its socket, and whoever asks is told what came of it."""

from __future__ import annotations

import json
import socket
from pathlib import Path
from typing import Any

import anyio
import pytest
from anyio.to_thread import run_sync

from pipeline.core.errors import JobError
from pipeline.runs.control.client import LONGEST_LINE, SOCKET, VERBS, command, request_line
from pipeline.runs.control.server import controlled
from pipeline.system.lock import locked
from tests.support.steered import Wheel, asked, killed, steered, told


async def test_commands_reach_the_run_and_its_words_come_back(short_folder: Path) -> None:
    async with steered(short_folder) as wheel:
        assert await told(short_folder, "pause") == {"said": "paused"}
        assert await told(short_folder, "resume") == {"said": "going on"}
        changed = await told(short_folder, "set", "models.writer.limits.rpm=900")
        assert changed == {"said": "models.writer.limits.rpm is 900 now"}
        status = await told(short_folder, "status")
    assert wheel.heard == ["pause", "resume", "models.writer.limits.rpm=900"]
    assert status == {"phase": "asking", "heard": 3, "file": "x", "quoted": 'ä "\ud800"'}


async def test_every_command_there_is_is_known_to_the_run(short_folder: Path) -> None:
    async with steered(short_folder):
        for verb in VERBS:
            arguments = ["models.writer.limits.rpm", "1"] if verb == "set" else []
            line = json.dumps({"verb": verb, "arguments": arguments}).encode() + b"\n"
            assert b"no such command" not in await asked(short_folder, line)


async def test_a_refusal_comes_back_with_its_place_and_hint(short_folder: Path) -> None:
    async with steered(short_folder):
        with pytest.raises(JobError) as error:
            await told(short_folder, "set", "models.writer.limits.rpn=900")
    assert str(error.value) == "models.writer.limits.rpn: there is no such setting\n  did you mean 'rpm'?"


async def test_a_bug_behind_a_command_does_not_reach_the_run(short_folder: Path) -> None:
    async with steered(short_folder):
        with pytest.raises(JobError, match="RuntimeError"):
            await told(short_folder, "stop")
        assert (await told(short_folder, "status"))["heard"] == 1


async def test_what_ends_the_run_comes_out_as_it_is(short_folder: Path) -> None:
    with pytest.raises(KeyError, match="mine"):
        async with steered(short_folder):
            raise KeyError("mine")
    assert not (short_folder / SOCKET).exists()


async def test_a_run_that_is_cancelled_leaves_no_socket(short_folder: Path) -> None:
    with anyio.move_on_after(0.05) as scope:
        async with steered(short_folder):
            await anyio.sleep_forever()
    assert scope.cancelled_caught
    assert [path.name for path in short_folder.iterdir()] == ["lock"]


@pytest.mark.parametrize(
    ("verb", "arguments", "sentence"),
    [
        ("pauze", (), "unknown command 'pauze'"),
        ("pause", ("now",), "pause takes no arguments"),
        ("set", (), "KEY=VALUE"),
        ("set", ("rpm",), "KEY=VALUE"),
        ("set", ("=3",), "KEY=VALUE"),
        ("set", ("a=1", "b"), "KEY=VALUE"),
        ("set", ("a=" + "x" * LONGEST_LINE,), "at most 65,536 bytes"),
    ],
)
def test_a_wrong_command_is_refused_before_it_is_sent(
    verb: str, arguments: tuple[str, ...], sentence: str
) -> None:
    with pytest.raises(JobError, match=sentence) as error:
        request_line(verb, arguments)
    assert error.value.exit_code == 2


def test_several_settings_go_in_one_command() -> None:
    sent = json.loads(request_line("set", ["a=1", "b = 2"]))
    assert sent == {"verb": "set", "arguments": ["a", "1", "b", "2"]}


def test_a_value_may_hold_an_equals_sign() -> None:
    sent = json.loads(request_line("set", [" models.m.hours = a=b "]))
    assert sent == {"verb": "set", "arguments": ["models.m.hours", "a=b"]}


# nobody there


def test_nobody_runs_the_job(short_folder: Path) -> None:
    with pytest.raises(JobError, match="nobody runs this job") as error:
        command(short_folder, "status")
    assert error.value.exit_code == 2
    assert "pipeline run" in error.value.hint


async def test_the_socket_of_a_killed_run_is_nobody_and_is_replaced(short_folder: Path) -> None:
    await run_sync(killed, short_folder)
    assert (short_folder / SOCKET).is_socket()
    with pytest.raises(JobError, match="nobody runs this job"):
        await told(short_folder, "status")
    async with steered(short_folder):
        assert await told(short_folder, "pause") == {"said": "paused"}
    assert [path.name for path in short_folder.iterdir()] == ["lock"]


async def test_a_command_waits_for_a_run_that_has_just_begun(short_folder: Path) -> None:
    answers: list[dict[str, Any]] = []

    async def early() -> None:
        answers.append(await told(short_folder, "pause"))

    async with anyio.create_task_group() as group:
        with locked(short_folder):
            group.start_soon(early)
            await anyio.sleep(0.15)
            async with controlled(short_folder, Wheel(), pytest.fail):
                while not answers:
                    await anyio.sleep(0.01)
    assert answers == [{"said": "paused"}]


@pytest.mark.parametrize("answer", [b"", b"{", b"[1]\n", b"{}\n"])
async def test_a_run_that_breaks_off_is_an_error(short_folder: Path, answer: bytes) -> None:
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(short_folder / SOCKET))
        server.listen()

        def serve() -> None:
            client, _ = server.accept()
            with client:
                client.recv(LONGEST_LINE)
                client.sendall(answer)

        async with anyio.create_task_group() as group:
            group.start_soon(run_sync, serve)
            with pytest.raises(JobError, match="no answer"):
                await told(short_folder, "status")
