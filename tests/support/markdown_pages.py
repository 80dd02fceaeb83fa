"""Pages of Markdown taken apart: what a translator sees of them, and what is put back."""

from __future__ import annotations

from pipeline.core.document import Document, Policy, Segment
from pipeline.documents import markdown

ZH = Policy(source="zh")


def page(text: str | bytes, policy: Policy = ZH) -> Document:
    return markdown.read("page.md", text.encode() if isinstance(text, str) else text, policy)


def hidden(segment: Segment) -> list[str]:
    return [segment.text[start:end] for start, end in segment.opaque]


def signs(segment: Segment) -> list[str]:
    return [segment.text[start:end] for start, end in segment.markup]


def texts(document: Document) -> list[str]:
    return [segment.text for segment in document.segments]


def translated(document: Document, *pairs: tuple[str, str], language: str = "") -> str:
    """The page with some of its segments translated, and mended first."""
    targets: list[str | None] = []
    said = dict(pairs)
    for place, segment in enumerate(document.segments):
        target = said.pop(segment.text, None)
        targets.append(None if target is None else document.mended(place, target))
    assert not said, f"no such segment: {said}"
    return document.build(targets, language).decode()


def codes(document: Document, place: int, target: str) -> list[str]:
    return [finding.code for finding in document.findings(place, document.mended(place, target))]
