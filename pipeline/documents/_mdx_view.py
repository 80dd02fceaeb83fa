"""A page of MDX as a parser of Markdown is to see it, and where each of its bytes stands in the file.

This module does not know segments.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator, Sequence

from pipeline.documents._mdx_scan import Construct

_VISIBLE = re.compile(rb"[^\r\n]")
_LEAD = re.compile(rb"[ \t>]*(?:(?:[-*+]|\d{1,9}[.)])[ \t]+)*\Z")
_LINE = re.compile(rb"(?P<indent>[ \t]*)(?P<words>[^\n]*)\n?")


def flow(content: bytes, start: int, listed: Sequence[Construct]) -> list[Construct]:
    """The constructs that stand on lines of their own."""
    found: list[Construct] = []
    group: list[Construct] = []
    before = start
    for one in [*listed, None]:
        if group and one and not content[group[-1].end : one.start].strip(b" \t"):
            group.append(one)
            continue
        if group and _alone(content, before, group):
            found += group
        before = group[-1].end if group else start
        group = [one] if one and one.kind != "code" else []
        before = one.end if one and one.kind == "code" else before
    return found


def _alone(content: bytes, before: int, group: Sequence[Construct]) -> bool:
    first = content.rfind(b"\n", before, group[0].start) + 1
    if not first and content[max(0, before - 1) : before] not in (b"", b"\n"):
        return False
    if any(one.kind == "code" for one in group) or not _LEAD.match(content, first or before, group[0].start):
        return False
    end = content.find(b"\n", group[-1].end)
    return not content[group[-1].end : end if end >= 0 else len(content)].strip()


def hidden(content: bytes, start: int, listed: Sequence[Construct], alone: Sequence[Construct]) -> bytes:
    """The page from `start` on, byte for byte: blanks for the constructs that stand alone, else letters."""
    own_lines = frozenset(alone)
    parts, at = [], start
    for one in listed:
        if one.kind != "code":
            raw = content[one.start : one.end]
            instead = _VISIBLE.sub(b" ", raw) if one in own_lines else b"x" * len(raw)
            parts += [content[at : one.start], instead]
            at = one.end
    return b"".join([*parts, content[at:]])


class View:
    """A page without its constructs, and without the indents of what stands in tags, which are no code."""

    def __init__(self, content: bytes, start: int, listed: Sequence[Construct]) -> None:
        self._places, self._shifts = [0], [0]
        alone = flow(content, start, listed)
        page = hidden(content, start, listed, alone)
        fences = [(one.start - start, one.end - start) for one in listed if one.kind == "code"]
        parts, at, cut = [], 0, 0
        for line, length in _cuts(page, start, alone, fences):
            parts.append(page[at:line])
            at = line + length
            cut += length
            self._places.append(at - cut)
            self._shifts.append(cut)
        self.content = b"".join([*parts, page[at:]])

    def place(self, place: int) -> int:
        """Where a byte of the view stands in the page."""
        return place + self._shifts[bisect_right(self._places, place) - 1]


def _cuts(
    page: bytes, start: int, alone: Sequence[Construct], fences: Sequence[tuple[int, int]]
) -> Iterator[tuple[int, int]]:
    """Where a line begins, and how much of its indent is due to the tags around it."""
    indents: list[int] = []
    at = 0
    for one in [*alone, None]:
        first = page.rfind(b"\n", at, one.start - start) + 1 if one else len(page)
        if indents:
            yield from _dedent(page, at, max(first, at), indents[0], fences)
        if one and one.kind == "opens":
            indents.append(one.start - start - max(first, at))
        elif one and one.kind == "closes" and indents:
            indents.pop()
        if one:
            end = page.find(b"\n", one.end - start)
            at = end + 1 if end >= 0 else len(page)


def _dedent(
    page: bytes, first: int, last: int, outer: int, fences: Sequence[tuple[int, int]]
) -> Iterator[tuple[int, int]]:
    lines = [line for line in _LINE.finditer(page, first, last) if line["words"].strip()]
    counted = [len(line["indent"]) for line in lines if not _inside(line.start(), fences)]
    cut = min(counted, default=0) - outer
    if cut > 0:
        yield from ((line.start(), min(cut, len(line["indent"]))) for line in lines)


def _inside(place: int, fences: Sequence[tuple[int, int]]) -> bool:
    at = bisect_right(fences, (place, 0)) - 1
    return at >= 0 and fences[at][0] < place < fences[at][1]
