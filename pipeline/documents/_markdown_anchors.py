"""Links to headings of the same page, when headings are translated and get new anchors.

Anchors are made as GitHub makes them. Links to headings of other pages are left as they are.
This module does not know segments.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from urllib.parse import unquote

from pipeline.documents._markdown_events import Marks, definition_places, events, tag

_WORDS = frozenset(("Text", "Code", "InlineMath"))
_LINK = re.compile(rb"\]\([ \t\n]*<?#([^\s)>]+)")
_DEFINITION = re.compile(rb"\]:\s*<?#([^\s>]+)")
_HREF = re.compile(rb"href=[\"']?#([^\s>\"']+)")
_ANY = re.compile(rb"\]\([ \t]*<?#|\]:[ \t]*<?#|href=[\"']?#")
_HREF_TEXT = re.compile(_HREF.pattern.decode())


def links_inside(content: bytes) -> bool:
    """Whether the page may have links to its own headings."""
    return _ANY.search(content) is not None


def slug(words: str) -> str:
    """The anchor that a heading gets."""
    kept = [sign for sign in words.strip().lower() if sign in "- " or _counts(unicodedata.category(sign))]
    return "".join(kept).replace(" ", "-")


def _counts(category: str) -> bool:
    return category[0] in "LM" or category in ("Nd", "Pc")


def anchors(text: str) -> list[tuple[str, int]]:
    """The anchor of each heading, and the byte where its words end; 0 where the anchor is written there."""
    found: list[tuple[str, int]] = []
    taken: dict[str, int] = {}
    words: list[str] | None = None
    given, last = "", 0
    for name, value, _, end in events(text):
        kind, data = tag(value) if name in ("Start", "End") else ("", None)
        if kind == "Heading" and name == "Start":
            words, given = [], (data or {})["id"] or ""
        elif kind == "Heading" and words is not None:
            found.append((given, 0) if given else (_free(slug("".join(words)), taken), last))
            words = None
        elif words is not None:
            words += [value] if name in _WORDS else []
            last = end
    return found


def _free(anchor: str, taken: dict[str, int]) -> str:
    """The anchor with a number, where an earlier heading has it."""
    free = anchor
    while free in taken:
        taken[anchor] += 1
        free = f"{anchor}-{taken[anchor]}"
    taken[free] = 0
    return free


def edits(source: str, target: str, way: str) -> list[tuple[int, int, bytes]]:
    """What to write into the translated page, in its bytes, so that links lead to its headings.

    Links are rewritten, or headings keep the anchors of the source.
    """
    old, new = anchors(source), anchors(target)
    moved = {was[0]: now[0] for was, now in zip(old, new, strict=False) if was[0] != now[0]}
    if not moved or len(old) != len(new):
        return []
    if way == "explicit_id":
        pairs = zip(old, new, strict=True)
        return [(at, at, f" {{#{was[0]}}}".encode()) for was, (now, at) in pairs if was[0] != now and at]
    found = (place for place in _places(target) if place[2] in moved)
    return sorted((start, end, moved[anchor].encode()) for start, end, anchor in found)


def _places(text: str) -> Iterator[tuple[int, int, str]]:
    """The anchors that links of a page name, in bytes."""
    content = text.encode()
    spans = [(_DEFINITION, *place) for place in definition_places(text)]
    for name, value, start, end in events(text):
        if name in ("Html", "InlineHtml"):
            spans.append((_HREF, start, end))
        elif name == "Start":
            kind, data = tag(value)
            if kind == "Link" and data["link_type"] == "Inline" and data["dest_url"].startswith("#"):
                spans.append((_LINK, start, end))
    for pattern, start, end in spans:
        found = list(pattern.finditer(content, start, end))
        for match in found if pattern is _HREF else found[-1:]:
            yield *match.span(1), unquote(match[1].decode(errors="replace"))


def numbered(marks: Marks, text: str) -> Marks:
    """Marks in which a link to a heading of the page names its number, and not its anchor."""
    numbers = {anchor: f"heading {number}" for number, (anchor, _) in enumerate(anchors(text), 1)}
    found = Marks()
    for mark, count in marks.items():
        if mark[0] == "link" and mark[1].startswith("#"):
            mark = ("link", numbers.get(unquote(mark[1][1:]), mark[1]))
        elif mark[0] == "tag" and "#" in mark[1]:
            mark = ("tag", _HREF_TEXT.sub(lambda match: numbers.get(unquote(match[1]), match[0]), mark[1]))
        found[mark] += count
    return found
