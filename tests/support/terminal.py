"""A command in a terminal of its own: what a person would see, and may answer."""

from __future__ import annotations

import os
import pty
import re
import select
import subprocess
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

_ESCAPES = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")


def in_terminal(
    command: Sequence[str], folder: Path, env: Mapping[str, str], answers: Mapping[str, str]
) -> tuple[int, str]:
    """Run a command to its end: its exit code and what it showed. `answers` are typed at their questions."""
    code, shown = on_screen(command, folder, env, answers)
    return code, _ESCAPES.sub("", shown.decode(errors="replace"))


def on_screen(
    command: Sequence[str], folder: Path, env: Mapping[str, str], answers: Mapping[str, str]
) -> tuple[int, bytes]:
    """The same with every byte that went to the terminal."""
    master, slave = pty.openpty()
    process = subprocess.Popen(
        command, cwd=folder, env={**env, "COLUMNS": "120"}, stdin=slave, stdout=slave, stderr=slave
    )
    os.close(slave)
    shown, open_questions = b"", dict(answers)
    deadline = time.monotonic() + 60
    try:
        while time.monotonic() < deadline:
            if select.select([master], [], [], 0.1)[0]:
                try:
                    shown += os.read(master, 65536)
                except OSError:  # the other end is closed
                    break
            for question in [question for question in open_questions if question.encode() in shown]:
                os.write(master, open_questions.pop(question).encode())
        return process.wait(10), shown
    finally:
        process.kill()
        process.wait()
        os.close(master)
