"""Draw docs/run.svg: the README's picture of a run that is killed half way, run again, and finished.

Usage: python docs/picture.py, with `pipeline` installed beside the interpreter. The commands are really run,
in a terminal of their own and with the small model on this machine; what stood on the screen is drawn. It
takes a minute. Every piece of text has its own place in the picture: neither blanks that collapse nor a
missing font can move it. Look at it afterwards, as the small model's texts are not the same every time.
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
from collections.abc import Iterator
from html import escape
from itertools import groupby
from pathlib import Path

ROOT = Path(__file__).parent.parent
WIDTH, HEIGHT = 96, 60
CELL, LINE, SIZE, EDGE, BAR = 8.4, 19, 14, 16, 34
"""pixels: a character's width, a line's height, the letters, the margin, the window's title"""
COLOURS = {"1": "#ffffff", "2": "#9aa0a6", "31": "#ff7b72", "32": "#7ee787", "38;5;237": "#484f58"}
PLAIN, GROUND, RULE = "#c9d1d9", "#0d1117", "━╸╺"
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

    def pieces(self) -> Iterator[tuple[int, int, str, str]]:
        """What stands on it: (row, column, style, text); wider gaps than one blank lie between two pieces."""
        for row, line in enumerate(self.lines):
            column = 0
            for (style, _), cells in groupby(line, lambda cell: (cell[0], cell[1] in RULE)):
                text = "".join(character for _, character in cells)
                for piece in re.finditer(r"\S+( \S+)*", text):
                    yield row, column + piece.start(), style, piece[0]
                column += len(text)


def drawn(screen: Screen) -> str:
    """The screen as an SVG."""
    pieces = list(screen.pieces())
    width, height = 2 * EDGE + WIDTH * CELL, BAR + (max(row for row, *_ in pieces) + 1) * LINE + EDGE
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:g} {height:g}" font-size="{SIZE}"',
        ' font-family="monospace">',
        "<title>A run that is killed half way, run again, finished, and run once more for nothing</title>",
        f'<rect width="{width:g}" height="{height:g}" rx="8" fill="{GROUND}"/>',
        *(
            f'<circle cx="{EDGE + 4 + 20 * i}" cy="18" r="6" fill="{colour}"/>'
            for i, colour in enumerate(("#ff5f57", "#febc2e", "#28c840"))
        ),
        *(_drawn(*piece) for piece in pieces),
    ]
    return "\n".join([*lines, "</svg>", ""])


def _drawn(row: int, column: int, style: str, text: str) -> str:
    codes = re.findall(r"\x1b\[([0-9;]+)m", style)
    colour = next((COLOURS[code] for code in reversed(codes) if code in COLOURS), PLAIN)
    x, y = EDGE + column * CELL, BAR + row * LINE
    if text[0] in RULE:
        return f'<rect x="{x:.1f}" y="{y + 9}" width="{len(text) * CELL:.1f}" height="2" fill="{colour}"/>'
    bold = ' font-weight="bold"' if "1" in codes else ""
    return f'<text x="{x:.1f}" y="{y + SIZE}" fill="{colour}"{bold}>{escape(text, quote=False)}</text>'


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
        play(screen, ["pipeline", "show", JOB, "--rows", "3", "--step", "post"], Path(folder))
        play(screen, ["pipeline", "run", JOB], Path(folder))
    (ROOT / "docs" / "run.svg").write_text(drawn(screen), encoding="utf-8")


if __name__ == "__main__":
    main()
