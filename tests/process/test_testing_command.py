"""The fake model as a process of its own: its command, its signals, the end of its parent or client."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from pipeline.core.errors import JobError
from pipeline.testing import Ledger, Script, serve
from tests.support.scripted_client import chat, post
from tests.support.settled import in_flight
from tests.support.waiting import wait_for

CLIENT = """
import asyncio, sys, aiohttp
async def main(url):
    async with aiohttp.ClientSession() as session:
        async def ask(i):
            body = {"model": "m", "messages": [{"role": "user", "content": str(i)}]}
            async with session.post(url + "/chat/completions", json=body) as response:
                await response.read()
        await asyncio.gather(*(ask(i) for i in range(20)))
asyncio.run(main(sys.argv[1]))
"""


def test_the_bill_survives_a_client_killed_with_its_requests_under_way() -> None:
    with serve(Script(latency=5)) as server:
        client = subprocess.Popen([sys.executable, "-c", CLIENT, server.base_url])
        try:
            wait_for(lambda: in_flight(server) == 20)
        finally:
            client.kill()
            client.wait()
        wait_for(lambda: server.ledger().billed == 20)
        assert (server.ledger().repeats, server.ledger().peak) == (0, 20)


PARENT = """
import sys, time
from pipeline.testing import Script, serve
with serve(Script()) as server:
    print(server.pid, flush=True)
    time.sleep(60)
"""


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def test_a_server_ends_when_its_parent_is_killed() -> None:
    parent = subprocess.Popen([sys.executable, "-c", PARENT], stdout=subprocess.PIPE, text=True)
    assert parent.stdout is not None
    pid = int(parent.stdout.readline())
    assert alive(pid)
    parent.kill()
    parent.wait()
    parent.stdout.close()
    wait_for(lambda: not alive(pid))


@contextmanager
def command(*options: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """The server as a shell starts it, and the first line it prints."""
    arguments = [sys.executable, "-m", "pipeline.testing", *options]
    pipe = subprocess.PIPE
    process = subprocess.Popen(arguments, stdin=pipe, stdout=pipe, stderr=pipe, text=True)
    assert process.stdout is not None
    try:
        yield process, process.stdout.readline().strip()
    finally:
        process.kill()
        process.communicate()


def test_a_server_with_a_parent_ends_with_its_standard_input() -> None:
    with command("--with-parent") as (process, base_url):
        assert base_url.startswith("http://127.0.0.1:")
        assert process.poll() is None
        assert process.stdin is not None
        process.stdin.close()
        process.stdin = None
        assert process.wait(30) == 0


@pytest.mark.parametrize("signum", [signal.SIGTERM, signal.SIGINT])
def test_the_command_prints_its_address_first_and_ends_on_a_signal_with_requests_hanging(
    signum: int, tmp_path: Path
) -> None:
    play = tmp_path / "script.yaml"
    play.write_text("latency: 9\nfaults:\n  - {fault: hang, match: stay}\n")
    ledger = tmp_path / "ledger.jsonl"
    with command("--latency", "0", "--script", str(play), "--ledger", str(ledger)) as (process, base_url):
        assert asyncio.run(post(base_url, chat("x"), timeout=30)).status == 200
        hanging = subprocess.Popen([sys.executable, "-c", CLIENT.replace("str(i)", "'stay'"), base_url])
        try:
            wait_for(lambda: Ledger.read(ledger).requests == 21)
            os.kill(process.pid, signum)
            assert process.wait(30) == 0
        finally:
            hanging.kill()
            hanging.wait()


def test_a_wrong_script_is_refused_with_its_place(tmp_path: Path) -> None:
    play = tmp_path / "script.yaml"
    play.write_text("faults:\n  - fault: hang\n    evry: 2\n")
    with pytest.raises(JobError, match=r"script.yaml:3:5: unknown key 'evry'"):
        Script.read(play)
    with command("--script", str(play)) as (process, first):
        assert (process.wait(30), first) == (2, "")
