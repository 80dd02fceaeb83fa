"""Another project's server, run as our child: `python -m pipeline.providers.machine.program`.

Reads its settings (the command, to which a free port of 127.0.0.1 is added, and variables of its environment)
as one line of JSON, starts the command, and prints its address as one line of JSON once `/health` says 200.
The program and all that it starts are one group of processes, which ends as a whole: when we are told to end,
when the program ends, and when whoever started us is gone, however that came about.
This module does not know which program it is.
"""

from __future__ import annotations

import ctypes
import json
import os
import signal
import socket
import subprocess
import sys
import threading
from contextlib import suppress
from typing import NoReturn

from pipeline.providers.machine.llama_server import await_health
from pipeline.system.child_process import GRACE, PR_SET_PDEATHSIG, end_with_parent


def main() -> None:
    """Start it, say where it listens, and stay until one of the two ends."""
    program = Program()
    settings = end_with_parent(signal.SIGTERM, program.kill)
    signal.signal(signal.SIGTERM, lambda *_: threading.Thread(target=program.end).start())
    announce = os.fdopen(os.dup(sys.stdout.fileno()), "w")
    address = program.start(settings["command"], settings["environment"])
    await_health(address)
    announce.write(json.dumps({"address": address}) + "\n")
    announce.flush()
    threading.Event().wait()


class Program:
    """A program with all that it starts."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[bytes] | None = None

    def start(self, command: list[str], environment: dict[str, str]) -> str:
        """Start it, and return where it will listen. What it writes goes where our errors go."""
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        self._process = subprocess.Popen(  # noqa: S603 - an engine's command, no shell
            [*command, "--host", "127.0.0.1", "--port", str(port)],
            stdin=subprocess.DEVNULL,
            stdout=sys.stderr.fileno(),
            env={**os.environ, **environment},
            process_group=0,
            preexec_fn=_end_with_us if sys.platform == "linux" else None,
        )
        threading.Thread(target=self._follow, args=(self._process,), daemon=True).start()
        return f"http://127.0.0.1:{port}"

    def _follow(self, process: subprocess.Popen[bytes]) -> None:
        """End as the program does."""
        process.wait()
        self.kill()

    def end(self) -> None:
        """Ask it to end, and end it: in less time than whoever ends us waits."""
        if self._process is not None:
            self._process.terminate()
            with suppress(subprocess.TimeoutExpired):
                self._process.wait(GRACE * 2 / 3)
        self.kill()

    def kill(self) -> NoReturn:
        """End the whole group at once, and us, with the program's code if it had ended by itself."""
        code = 0
        if self._process is not None:
            code = self._process.poll() or 0
            with suppress(ProcessLookupError, PermissionError):  # the group has no more processes
                os.killpg(self._process.pid, signal.SIGKILL)
        os._exit(code if code >= 0 else 128 - code)


def _end_with_us() -> None:
    """In the program, before it begins: for the case that we are killed, and can end nothing any more."""
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM, 0, 0, 0)


if __name__ == "__main__":
    main()
