"""What a unit test may not do: start a process, or talk to one."""

from __future__ import annotations

import socket
import subprocess
from collections.abc import Iterator
from typing import Any, NoReturn

import pytest


def _refuse(*_: Any, **__: Any) -> NoReturn:
    pytest.fail("a unit test starts no process and opens no connection: it belongs in another folder")


@pytest.fixture(autouse=True, scope="module")
def alone(request: pytest.FixtureRequest) -> Iterator[None]:
    """No process and no socket, but for the tests of the scripted server, which is one."""
    with pytest.MonkeyPatch.context() as patch:
        if "testing" not in request.path.parts:
            patch.setattr(subprocess.Popen, "__init__", _refuse)
            for name in ("connect", "connect_ex", "bind"):
                patch.setattr(socket.socket, name, _refuse)
        yield
