"""Addresses of pages and mail boxes: each stays, and none is added."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from pipeline.core.document import Finding
from pipeline.text.links import links
from pipeline.translation.gates._counts import complaint, named
from pipeline.translation.kept import addresses
from pipeline.translation.question import Question


def findings(question: Question, answer: str) -> Iterator[Finding]:
    """Addresses that are lost (`links`), and links of any kind that are new (`new_links`)."""
    source = question.segment.text
    if before := addresses(source):
        wanted = Counter(set(before))
        found = Counter(set(addresses(answer)))
        yield from complaint("links", "links", wanted, found & wanted)
    there = links(answer)
    new = sorted(there - links(source)) if there else []
    if new:
        message = f"Your translation has links that the text has not: {named(new)}. Leave them out."
        yield Finding("new_links", message)
