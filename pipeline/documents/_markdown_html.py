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


def runs(content: bytes, start: int, end: int) -> Iterator[tuple[int, int, list[Part]]]:
    """Each run of words, and the tags in it, in bytes of the file."""
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
        yield from _trimmed(content, at, first, parts)
        at, parts = found.end(), []
    yield from _trimmed(content, at, begun if silent else end, parts)


def _trimmed(
    content: bytes, start: int, end: int, parts: list[Part]
) -> Iterator[tuple[int, int, list[Part]]]:
    run = content[start:end]
    if words := run.strip():
        first = start + len(run) - len(run.lstrip())
        yield first, first + len(words), parts
