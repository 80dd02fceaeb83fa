"""A run of a Markdown file as a segment: container prefixes taken out, and put back where it is written.

This module does not know Markdown's grammar; it is told which bytes are signs.
"""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from functools import lru_cache

from pipeline.core.document import Span
from pipeline.core.domain import frozen

Part = tuple[int, int, bool]
"""begin and end in bytes of the file, and whether it is opaque; else it is markup"""


@frozen
class Seen:
    """What a translator sees of a run."""

    text: str
    parts: Sequence[Part]
    """in characters of `text`"""
    breaks: tuple[bytes, ...]
    """each line break of the file with the prefix after it"""


@frozen
class Written:
    """Puts a translation in the place of a run."""

    text: str
    raw: bytes
    breaks: tuple[bytes, ...] = ()
    more: bytes = b"\n"
    """the line break and prefix for lines that the source does not have"""
    labels: tuple[str, ...] = ()
    """references that the file writes in the short form `[label]`"""

    def __call__(self, text: str) -> bytes:
        if text == self.text:
            return self.raw
        for label in self.labels:
            text = text.replace(label + label, label)
        lines = text.encode(errors="replace").split(b"\n")
        parts = [lines[0]]
        for number, line in enumerate(lines[1:]):
            parts += [self.breaks[number] if number < len(self.breaks) else self.more, line]
        return b"".join(parts)


@lru_cache(maxsize=64)
def _break(quotes: int) -> re.Pattern[bytes]:
    return re.compile(rb"(\r?\n|\r)[ \t]*(?:>[ \t]*){0,%d}" % min(quotes, 1000))


def seen(
    content: bytes, span: Span, parts: Sequence[Part], labels: Sequence[tuple[int, int, bytes]], quotes: int
) -> Seen:
    """The bytes of a span as a translator sees them, inside so many block quotes."""
    start, end = span
    raw = content[start:end]
    edits = [(at - start, length, label) for at, length, label in labels]
    breaks = []
    if b"\n" in raw or b"\r" in raw:
        for found in _break(quotes).finditer(raw):
            breaks.append(found[0])
            edits.append((found.start(), len(found[0]), b"\n"))
    if not edits:
        shifted = [(a - start, b - start, opaque) for a, b, opaque in parts]
        return Seen(raw.decode(), _characters(raw, shifted) if shifted else shifted, ())
    edits.sort()
    text, places = _edited(raw, edits)
    moved = [(places.after(a - start), places.before(b - start), opaque) for a, b, opaque in parts]
    for at, _, label in labels:
        shown = places.before(at - start)
        moved.append((shown, shown + len(label), True))
    moved.sort()
    return Seen(text.decode(), _characters(text, moved), tuple(breaks))


@frozen
class _Places:
    starts: list[int]
    shifts: list[int]
    """what the edits up to one add to a place; one more than `starts`"""

    def after(self, place: int) -> int:
        return place + self.shifts[bisect_right(self.starts, place)]

    def before(self, place: int) -> int:
        return place + self.shifts[bisect_left(self.starts, place)]


def _edited(raw: bytes, edits: Sequence[tuple[int, int, bytes]]) -> tuple[bytes, _Places]:
    parts, shifts, at = [], [0], 0
    for start, length, instead in edits:
        parts += [raw[at:start], instead]
        at = start + length
        shifts.append(shifts[-1] + len(instead) - length)
    parts.append(raw[at:])
    return b"".join(parts), _Places([start for start, _, _ in edits], shifts)


def _characters(text: bytes, parts: list[Part]) -> list[Part]:
    """Parts in bytes as parts in characters."""
    if text.isascii():
        return parts
    at = count = 0
    found: list[Part] = []
    for start, end, opaque in parts:
        begin = count + len(text[at:start].decode())
        count, at = begin + len(text[start:end].decode()), end
        found.append((begin, count, opaque))
    return found


def spans(parts: Sequence[Part]) -> tuple[tuple[Span, ...], tuple[Span, ...]]:
    """The parts that are opaque, and the others."""
    found: tuple[list[Span], list[Span]] = [], []
    for start, end, opaque in parts:
        if end > start:
            found[not opaque].append((start, end))
    return tuple(found[0]), tuple(found[1])


def more_lines(content: bytes, start: int, eol: bytes) -> bytes:
    """The line break and prefix of a line that is added to the run at `start`: its quotes, its indent."""
    line = content.rfind(b"\n", 0, start) + 1
    return eol + re.sub(rb"[^>\s]", b" ", content[line:start])
