"""Unit tests are held to what they are."""

from __future__ import annotations

import asyncio
import socket
import subprocess
import sys

import pytest


def test_a_unit_test_starts_no_process() -> None:
    with pytest.raises(pytest.fail.Exception, match="starts no process"):
        subprocess.run([sys.executable, "--version"], check=False)


async def test_a_unit_test_opens_no_connection() -> None:
    with pytest.raises(pytest.fail.Exception, match="opens no connection"):
        socket.socket().bind(("127.0.0.1", 0))
    with pytest.raises(pytest.fail.Exception, match="opens no connection"):
        socket.create_connection(("127.0.0.1", 9))
    with pytest.raises(pytest.fail.Exception, match="starts no process"):
        await asyncio.create_subprocess_exec(sys.executable, "--version")
