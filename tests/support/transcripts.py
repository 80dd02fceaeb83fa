"""Transcripts in the documents: the commands that a page shows, with what each of them is said to print.

A block of `console` has commands behind `$ `, and under each what it prints. A block of `text` behind one of
`sql` or `python` is what that prints. HTML comments in a page, which no reader sees, say the rest:

- `<!-- first: COMMAND -->`: it is called here, and what it prints is not looked at;
- `<!-- not run: REASON -->`: the block behind it is not run.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.support import ROOT

PAGES = sorted(
    page
    for page in [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")]
    if page.name not in ("commands.md", "CHANGELOG.md")  # the first is generated, and held to that
)
_BLOCK = re.compile(r"^```(?P<kind>\w+)\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL)
_COMMENT = re.compile(r"^<!-- (?P<word>first|not run): (?P<words>.+?) -->$", re.MULTILINE)


@dataclass(frozen=True)
class Shown:
    """A command, or a query, and what the page says that it prints; None where nobody looks."""

    line: int
    kind: str
    """`command`, `sql` or `python`"""
    words: str
    prints: str | None


@dataclass(frozen=True)
class Page:
    """What is to be run of a page, in its order, and the blocks that are not, by line, with the reason."""

    path: Path
    shown: tuple[Shown, ...]
    not_run: dict[int, str]

    @property
    def name(self) -> str:
        return str(self.path.relative_to(ROOT))

    def block(self, heading: str, kind: str) -> str:
        """The first block of a kind behind a text of the page."""
        text = self.path.read_text(encoding="utf-8")
        return next(m["text"] for m in _BLOCK.finditer(text[text.index(heading) :]) if m["kind"] == kind)


def page_of(path: Path) -> Page:
    """A page, read."""
    text = path.read_text(encoding="utf-8")
    marks = sorted([*_BLOCK.finditer(text), *_COMMENT.finditer(text)], key=lambda mark: mark.start())
    shown: list[Shown] = []
    not_run: dict[int, str] = {}
    word = words = ""
    before: Shown | None = None
    for mark in marks:
        line = text.count("\n", 0, mark.start()) + 1
        if "word" in mark.groupdict():
            word, words = mark["word"], mark["words"]
            if word == "first":
                shown.append(Shown(line, "command", words, None))
            continue
        kind, block = mark["kind"], mark["text"]
        if word == "not run":
            not_run[line] = words
        elif kind == "console":
            shown += _commands(block, line)
        elif kind == "text" and before is not None:
            shown.append(Shown(before.line, before.kind, before.words, block))
        elif kind == "text":
            not_run[line] = ""
        word, before = "", Shown(line, kind, block, None) if kind in ("sql", "python") else None
    return Page(path, tuple(shown), not_run)


def _commands(block: str, line: int) -> Iterator[Shown]:
    """The commands of a block; one goes on in the next line behind a backslash, or in open quotes."""
    lines = block.splitlines()
    at = 0
    while at < len(lines):
        assert lines[at].startswith("$ "), f"line {line + at + 1}: a block of console begins with a command"
        began, command = at, lines[at][2:]
        while not _is_whole(command):
            at += 1
            command += "\n" + lines[at]
        at += 1
        first = at
        while at < len(lines) and not lines[at].startswith("$ "):
            at += 1
        yield Shown(line + began + 1, "command", command.replace("\\\n", ""), "\n".join(lines[first:at]))


def _is_whole(command: str) -> bool:
    try:
        shlex.split(command)
    except ValueError:
        return False
    return not command.endswith("\\")
