"""What tests of documents with tags share: a translation that changes words only, and a check of the laws."""

from __future__ import annotations

import re
from itertools import pairwise

from pipeline.core.document import Document, Segment

_KEPT = re.compile(r"(&#?\w+;|%(?:\d+\$)?\w|\\.|\{[^{}]*\})")


def shouted(segment: Segment) -> str:
    """A translation that changes each word, and no tag, entity or placeholder."""
    done, at = [], 0
    for start, end in sorted([*segment.opaque, *segment.markup]):
        done += [_changed(segment.text[at:start]), segment.text[start:end]]
        at = end
    return "".join([*done, _changed(segment.text[at:])])


def _changed(text: str) -> str:
    parts = _KEPT.split(text)
    words = [re.sub(r"\w+", lambda found: found[0][::-1] + "é", part) for part in parts[::2]]
    return "".join(f"{word}{kept}" for word, kept in zip(words, [*parts[1::2], ""], strict=True))


def keeps_its_laws(document: Document, content: bytes) -> bytes:
    """Check the laws of a document, and give the file with all words changed."""
    segments = document.segments
    assert document.build([None] * len(segments)) == content
    assert document.build([segment.text for segment in segments]) == content
    assert document.broken(content) == []
    for place, segment in enumerate(segments):
        spans = sorted([*segment.opaque, *segment.markup])
        assert all(one[1] <= two[0] for one, two in pairwise(spans))
        assert document.mended(place, segment.text) == segment.text
        assert document.findings(place, segment.text) == []
        assert document.findings(place, shouted(segment)) == []
    built = document.build([shouted(segment) for segment in segments])
    assert document.broken(built) == []
    return built
