"""What a viewer can read: lines of a subtitle, characters of a line, characters of a second.

The bounds are those of large broadcasters and streaming services. A rule that the source breaks as much is
no rule for its translation. This module does not know any format.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from pipeline.core.document import Finding

_SIGNS = re.compile(r"\{[^{}]*\}|</?\w[^<>]{0,200}>")
_IDEOGRAPH = "\u2e80-\u9fff\uac00-\ud7a3\uf900-\ufaff\uff00-\uffef"
_WIDE = re.compile(f"[{_IDEOGRAPH}]")
_BREAK = re.compile(
    rf"\{{[^{{}}]*\}}|</?\w[^<>]{{0,200}}>|([ ]+)|[{_IDEOGRAPH}](?![、。，．！？：；）」』…])()"
)
_PAUSES = tuple(",.;:!?…、。，；：！？")
_WORTH = 8
"""how many characters the lines may differ more, where the first ends at a pause"""
MOST_LINES = 2


class Bounds(NamedTuple):
    """The most characters that can be read."""

    line: int
    second: int


LATIN, IDEOGRAPHS = Bounds(42, 20), Bounds(20, 9)


class _Measured(NamedTuple):
    lines: int
    longest: int
    characters: int
    bounds: Bounds


def _measured(text: str) -> _Measured:
    lines = _SIGNS.sub("", text).strip().split("\n")
    characters = sum(map(len, lines))
    wide = len(_WIDE.findall(text)) * 3 > characters
    return _Measured(len(lines), max(map(len, lines)), characters, IDEOGRAPHS if wide else LATIN)


def too_much(source: str, target: str, seconds: float) -> Iterator[Finding]:
    """The rules that a translation breaks, and its source does not, or by less."""
    before, after = _measured(source), _measured(target)
    if after.lines > max(MOST_LINES, before.lines):
        what = f"Your translation has {after.lines} lines: write at most {MOST_LINES}."
        yield Finding("lines", what, hard=False)
    if _line_too_long(before, after):
        what = f"A line has {after.longest} characters: write at most {after.bounds.line} in each line."
        yield Finding("reading", what, hard=False)
    most = int(after.bounds.second * seconds)
    faster = after.characters / after.bounds.second > before.characters / before.bounds.second
    if after.characters > most > 0 and faster:
        what = (
            f"It is shown for {seconds:.1f} seconds, so a viewer can read at most {most} characters. "
            f"Your translation has {after.characters}. Say it in fewer words."
        )
        yield Finding("reading", what, hard=False)


def _line_too_long(before: _Measured, after: _Measured) -> bool:
    return after.longest / after.bounds.line > max(1, before.longest / before.bounds.line)


def balanced(source: str, target: str) -> str:
    """The translation in two lines of about the same length, where it is one line that is too long."""
    before, after = _measured(source), _measured(target)
    fits = after.characters <= MOST_LINES * after.bounds.line + 1
    if after.lines > 1 or not fits or not _line_too_long(before, after):
        return target
    best, least = target, after.characters
    for found in _BREAK.finditer(target):
        if found[1] is None and found[2] is None:
            continue
        lines = target[: found.end()].rstrip(), target[found.end() :].lstrip()
        sizes = [len(_SIGNS.sub("", line)) for line in lines]
        worse = abs(sizes[0] - sizes[1]) - (_WORTH if lines[0][-1:] in _PAUSES else 0)
        if max(sizes) <= after.bounds.line and worse < least:
            best, least = "\n".join(lines), worse
    return best
