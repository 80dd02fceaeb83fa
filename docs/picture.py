"""Draw docs/run.svg: the README's picture of a run that is killed half way, run again, and finished.

Usage: python docs/picture.py, with `pipeline` installed beside the interpreter. The commands are really run,
in a terminal of their own and with the small model on this machine; what stood on the screen is drawn. It
takes a minute.
"""

from __future__ import annotations

import os
import pty
import re
import select
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from rich.console import Console
from rich.text import Text

ROOT = Path(__file__).parent.parent
WIDTH, HEIGHT = 104, 60
JOB = "jobs/films.yaml"
_PIECE = re.compile(r"\x1b\[([0-9;?]*)([A-Za-z])|([\r\n])|([^\x1b\r\n]+)")


class Screen:
    """As much of a terminal as the program uses: lines of (style, character), and a cursor."""

    def __init__(self) -> None:
        self.lines: list[list[tuple[str, str]]] = [[]]
        self._row = self._column = 0
        self._style = ""

    def write(self, text: str) -> None:
        """Take what a program has sent."""
        for numbers, command, end, words in _PIECE.findall(text):
            if words:
                self._put(words)
            elif end == "\r":
                self._column = 0
            elif end == "\n":
                self._row += 1
                self.lines += [[]] * (self._row + 1 - len(self.lines))
            elif command == "m":
                self._style = "" if numbers in ("", "0") else f"{self._style}\x1b[{numbers}m"
            elif command == "A":
                self._row = max(0, self._row - int(numbers or 1))
            elif command == "K":
                self.lines[self._row] = []

    def _put(self, words: str) -> None:
        line = self.lines[self._row] = list(self.lines[self._row])
        line += [("", " ")] * (self._column + len(words) - len(line))
        line[self._column : self._column + len(words)] = [(self._style, character) for character in words]
        self._column += len(words)

    def shown(self) -> Text:
        """What stands on it."""
        text = "\n".join("".join(f"{s}{c}\x1b[0m" if s else c for s, c in line) for line in self.lines)
        return Text.from_ansi(text.rstrip())


def play(screen: Screen, words: list[str], folder: Path, kill_at: str = "") -> None:
    """Run a command on the screen; kill -9 it as soon as it shows some words."""
    screen.write(f"\x1b[1m$ {' '.join(words)}\x1b[0m\r\n")
    master, slave = pty.openpty()
    program = str(Path(sys.executable).with_name(words[0]))
    size = {"COLUMNS": str(WIDTH), "LINES": str(HEIGHT), "TERM": "xterm-256color"}
    process = subprocess.Popen(  # noqa: S603 - our own program
        [program, *words[1:]], cwd=folder, env={**os.environ, **size}, stdin=slave, stdout=slave, stderr=slave
    )
    os.close(slave)
    seen, end = "", time.monotonic() + 300
    while time.monotonic() < end:
        if not select.select([master], [], [], 0.2)[0]:
            continue
        try:
            piece = os.read(master, 65536).decode(errors="replace")
        except OSError:  # the program has ended
            break
        seen += piece
        screen.write(piece)
        if kill_at and kill_at in seen:
            process.send_signal(signal.SIGKILL)
            screen.write("\r\n\x1b[1mKilled\x1b[0m   (kill -9)\r\n")
            break
    process.wait()
    os.close(master)


def main() -> None:
    """Run, kill, run again, show; then draw."""
    screen = Screen()
    with tempfile.TemporaryDirectory() as folder:
        shutil.copytree(ROOT / "jobs", Path(folder) / "jobs")
        play(screen, ["pipeline", "run", JOB], Path(folder), kill_at="8 done")
        play(screen, ["pipeline", "run", JOB], Path(folder))
        play(screen, ["pipeline", "show", JOB, "--rows", "1"], Path(folder))
        play(screen, ["pipeline", "run", JOB], Path(folder))
    console = Console(record=True, width=WIDTH, file=open(os.devnull, "w"), force_terminal=True)  # noqa: SIM115, PTH123
    console.print(screen.shown())
    console.save_svg(str(ROOT / "docs" / "run.svg"), title="pipeline")


if __name__ == "__main__":
    main()
