"""Markdown as a parser sees it: events with the bytes they stand in, and what of them must not change.

This module does not know segments.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from typing import Any, TypeAlias

from pyromark import Markdown, Options

from pipeline.documents._markdown_html import TAG

Event: TypeAlias = tuple[str, Any, int, int]
"""a name (Start, End, Text, Code, SoftBreak, …), its value, and the bytes it stands in"""
Marks: TypeAlias = Counter[tuple[str, ...]]

_PARSER = Markdown(
    options=Options.ENABLE_TABLES
    | Options.ENABLE_FOOTNOTES
    | Options.ENABLE_STRIKETHROUGH
    | Options.ENABLE_TASKLISTS
    | Options.ENABLE_HEADING_ATTRIBUTES
    | Options.ENABLE_MATH
    | Options.ENABLE_GFM
)
"""without front matter: the parser would see some in the middle of a document, too"""
SPANS = frozenset({"Emphasis", "Strong", "Strikethrough", "Link", "Image"})
"""what holds words inside a block; everything else that starts is a block"""
ATOMS = {
    "Code": "code",
    "InlineMath": "math",
    "DisplayMath": "math",
    "InlineHtml": "tag",
    "FootnoteReference": "footnote",
}
_BLANKS = re.compile(r"\s+")


def events(text: str) -> Iterator[Event]:
    """The events of a text. A byte order mark and front matter must not be part of it."""
    for event, where in _PARSER.events_with_range(text, merge_text=True):
        if isinstance(event, str):
            yield event, None, where["start"], where["end"]
        else:
            ((name, value),) = event.items()
            yield name, value, where["start"], where["end"]


def tag(value: Any) -> tuple[str, Any]:
    """The name of what starts, and what the parser says about it."""
    if type(value) is str:
        return value, None
    ((name, data),) = value.items()
    return name, data


def signature(text: str, *, prose_code: bool = False) -> tuple[list[tuple[str, ...]], Marks]:
    """The blocks of a text, in order, and the marks inside them, counted.

    `prose_code` leaves the words of inline code open, because they are translated.
    """
    blocks: list[tuple[str, ...]] = []
    marks: Marks = Counter()
    for name, value, _, _ in events(text):
        if name == "Start":
            kind, data = tag(value)
            if kind in ("Link", "Image"):
                marks[kind.lower(), data["dest_url"]] += 1
            elif kind in SPANS:
                marks[(kind.lower(),)] += 1
            else:
                blocks.append((kind, *_about(kind, data)))
        elif name in ATOMS:
            open_words = name == "Code" and prose_code
            marks[ATOMS[name], "" if open_words else _BLANKS.sub(" ", value)] += 1
        elif name == "Text":
            marks[("words",)] = 1
        elif name == "Html":
            marks.update(("tag", found) for found in TAG.findall(value))
        elif name == "HardBreak":
            marks[("break",)] += 1
        elif name in ("Rule", "TaskListMarker"):
            blocks.append((name, str(value)))
    return blocks, marks


def _about(kind: str, data: Any) -> tuple[str, ...]:
    if kind == "Heading":
        return data["level"], data["id"] or ""
    return () if data is None else (str(data),)


def definitions(text: str) -> dict[str, str]:
    """The addresses of references, by their labels."""
    return {label: found["dest"] for label, found in _PARSER.reference_definitions(text).items()}


def definition_places(text: str) -> list[tuple[int, int]]:
    """Where the definitions of references stand, in bytes."""
    spans = (found["span"] for found in _PARSER.reference_definitions(text).values())
    return [(span["start"], span["end"]) for span in spans]
