"""The parts of a paragraph of Word or PowerPoint: texts in runs, what holds runs, and what stands alone.

A complex field of Word, which is written as many parts, becomes one here. This module does not know texts of
segments.
"""

from __future__ import annotations

import html
import re
from collections.abc import Sequence
from dataclasses import dataclass

from pipeline.documents._inline import Part

_NOISE = re.compile(
    r"""<w:(?:lang|noProof|bCs|iCs|szCs|proofErr)\b[^<>]*/>|\s(?:w:hint|w:rsid\w*|lang|altLang|dirty|err|smtClean"""
    r"""|noProof|bmk)="[^"]*\""""
)
"""what differs between runs that look the same: the language of the spelling, marks of editing"""
_NO_FORMAT = re.compile(r"(?:<w:rFonts\s*/>|</?[wa]:rPr\s*/?>|\s)*")


@dataclass(slots=True, eq=False)
class RunOfText:
    """A run: its opening tag with its format, and where its content begins and ends."""

    start: int
    body: int
    """where the content begins, after the format"""
    kind: str
    """w or a"""
    prefix: str
    """how the file calls it, with its namespace"""
    format: str
    close: int = 0
    end: int = 0


@dataclass(frozen=True, slots=True)
class Item(Part):
    """A part of a paragraph; it begins in one run, and ends in the same, in another, or outside of runs.

    One more kind is mark: a bookmark, which is no part of the text.
    """

    before: RunOfText | None = None
    after: RunOfText | None = None
    text: str = ""
    field: str = ""
    """of a complex field: begin, separate, end, or its instruction"""


def plain_format(raw: str) -> str:
    """A format as it looks; '' for none."""
    raw = _NOISE.sub("", raw)
    return "" if _NO_FORMAT.fullmatch(raw) else raw


def with_fields(items: Sequence[Item]) -> list[Item]:
    """The parts, with each complex field as one of them; a field that is a link is a pair around its text."""
    done: list[Item] = []
    begun: list[int] = []
    for item in items:
        done.append(item)
        if item.field == "begin":
            begun.append(len(done) - 1)
        elif item.field == "end" and begun:
            start = begun.pop()
            if _is_balanced(done[start:]):
                done[start:] = _folded(done[start:])
    return done


def _is_balanced(items: Sequence[Item]) -> bool:
    depth = 0
    for item in items:
        depth += (item.kind == "open") - (item.kind == "close")
        if depth < 0:
            return False
    return depth == 0


def _folded(items: Sequence[Item]) -> list[Item]:
    first, last = items[0], items[-1]
    told = next((at for at, item in enumerate(items) if item.field == "separate"), 0)
    instruction = "".join(item.text for item in items[:told] if item.field == "instruction")
    if instruction.split()[:1] == ["HYPERLINK"] and told:
        opening = Item("open", "field", first.start, items[told].end, first.before, items[told].after)
        return [
            opening,
            *items[told + 1 : -1],
            Item("close", "field", last.start, last.end, last.before, last.after),
        ]
    return [Item("word", "field", first.start, last.end, first.before, last.after)]


def unescaped(raw: str) -> str:
    """The text of an element."""
    if raw.startswith("<![CDATA["):
        return raw[9:-3]
    return html.unescape(raw)
