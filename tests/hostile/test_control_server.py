"""No client disturbs a run, whatever it sends, and however many there are."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import anyio
import pytest
from anyio.to_thread import run_sync

from pipeline.runs.control.client import command, request_line
from pipeline.runs.control.server import CLIENTS, PATIENCE
from tests.support.steered import asked, connected, steered, told


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
async def test_rubbish_is_answered_with_an_error_and_does_nothing(short_folder: Path, data: bytes) -> None:
    async with steered(short_folder) as wheel:
        answer = json.loads(await asked(short_folder, data))
        assert set(answer) == {"error"}
        assert (await told(short_folder, "status"))["heard"] == 0
    assert wheel.heard == []


async def test_a_line_without_an_end_is_cut_off(short_folder: Path) -> None:
    async with steered(short_folder):
        answer = await asked(short_folder, b"x" * 10_000_000)
        assert b"at most 65,536 bytes" in answer


async def test_a_client_that_ends_its_side_instead_of_its_line_is_answered(short_folder: Path) -> None:
    async with steered(short_folder):
        assert json.loads(await asked(short_folder, b'{"verb": "pause", "arguments": []}', end=True)) == {
            "answer": {"said": "paused"}
        }
        assert await asked(short_folder, b"", end=True) == b""


async def test_only_the_first_line_of_a_connection_is_obeyed(short_folder: Path) -> None:
    line = request_line("pause")
    async with steered(short_folder) as wheel:
        assert (await asked(short_folder, line * 5)).count(b"\n") == 1
    assert wheel.heard == ["pause"]


async def test_a_silent_client_is_hung_up_on_in_time(short_folder: Path) -> None:
    async with steered(short_folder):
        began = time.monotonic()
        assert await asked(short_folder, b'{"verb": ') == b""
        assert PATIENCE * 0.9 < time.monotonic() - began < PATIENCE + 2


@pytest.fixture
def crowd() -> Iterator[Callable[[Path, int], None]]:
    """Clients that connect and say nothing."""
    with ExitStack() as stack:

        def gather(folder: Path, count: int) -> None:
            for _ in range(count):
                stack.enter_context(connected(folder))

        yield gather


async def test_two_hundred_clients_at_once_are_all_answered(short_folder: Path) -> None:
    answers: list[dict[str, Any]] = []
    threads = anyio.CapacityLimiter(200)

    async def ask() -> None:
        answers.append(await run_sync(command, short_folder, "pause", limiter=threads))

    async with steered(short_folder) as wheel, anyio.create_task_group() as group:
        for _ in range(200):
            group.start_soon(ask)
    assert len(answers) == len(wheel.heard) == 200


async def test_a_crowd_of_silent_clients_delays_a_command_and_no_more(
    short_folder: Path, crowd: Callable[[Path, int], None]
) -> None:
    async with steered(short_folder):
        await run_sync(crowd, short_folder, CLIENTS + 20)
        began = time.monotonic()
        assert await told(short_folder, "pause") == {"said": "paused"}
        assert time.monotonic() - began < PATIENCE + 2


async def test_clients_that_are_still_there_do_not_keep_a_run_from_its_end(
    short_folder: Path, crowd: Callable[[Path, int], None]
) -> None:
    async with steered(short_folder):
        await run_sync(crowd, short_folder, 5)
        await anyio.sleep(0.05)
        began = time.monotonic()
    assert time.monotonic() - began < PATIENCE * 0.9
