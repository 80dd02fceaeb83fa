"""The words in a block of HTML inside Markdown: runs of text and inline tags between other tags.

It reads tags as they stand and builds no tree. This module does not know Markdown.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from pipeline.documents._markdown_place import Part

_INSIDE = r"(?:[^<>\"']|\"[^\"]*\"|'[^']*')*>"
TAG = re.compile(rf"</?[A-Za-z][\w:-]*{_INSIDE}")
_TOKEN = re.compile(
    rf"<!--.*?(?:-->|\Z)|<[?!][^>]*(?:>|\Z)|<(?P<slash>/?)(?P<name>[A-Za-z][\w:-]*){_INSIDE}".encode(),
    re.DOTALL,
)
_SILENT = frozenset(b"script style pre textarea svg math template code kbd samp".split())
"""what is inside them is not for people, or not for translators"""
_INLINE = frozenset(
    b"a abbr b bdi bdo big br cite code data del dfn em font i img ins kbd mark q s samp small span strike "
    b"strong sub sup time tt u var wbr picture source".split()
)


_BREAK = re.compile(rb"[ \t]*\r?\n[ \t]*(?:>[ \t]*)*")


def runs(content: bytes, start: int, end: int, quotes: int) -> Iterator[tuple[int, int, list[Part]]]:
    """Each run of words, and the tags in it, in bytes of the file; `quotes` are those around the block."""
    silent, begun = b"", start
    at, parts = start, list[Part]()
    for found in _TOKEN.finditer(content, start, end):
        name, closes = (found["name"] or b"").lower(), bool(found["slash"])
        if silent and not (closes and name == silent):
            continue
        inline = name in _INLINE
        first = begun if silent else found.start()
        if not silent and name in _SILENT and not closes and not found[0].endswith(b"/>"):
            silent, begun = name, found.start()
            continue
        silent = b""
        if inline:
            parts.append((first, found.end(), first < found.start() or b" " in found[0] or b"\n" in found[0]))
            continue
        yield from _trimmed(content, at, first, quotes, parts)
        at, parts = found.end(), []
    yield from _trimmed(content, at, begun if silent else end, quotes, parts)


def _trimmed(
    content: bytes, start: int, end: int, quotes: int, parts: list[Part]
) -> Iterator[tuple[int, int, list[Part]]]:
    """The run without blanks at its ends, which may have the signs of quotes between them."""
    first = start
    while found := _BREAK.match(content, first, end) if quotes else None:
        first = found.end()
    first += end - first - len(content[first:end].lstrip())
    last = first + len(content[first:end].rstrip())
    while (
        quotes and (cut := content.rfind(b"\n", first, last)) >= 0 and not content[cut:last].strip(b"> \t\n")
    ):
        last = first + len(content[first:cut].rstrip())
    if first < last:
        yield first, last, parts
