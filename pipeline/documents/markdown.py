"""Markdown (CommonMark with tables, footnotes, task lists, math, front matter), spliced byte for byte.

This module joins its parts; the grammar is in `_markdown_blocks` and `_markdown_inline`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import cached_property

from pipeline.core.document import Document, Finding, Policy, any_file
from pipeline.documents import _front_matter, _markdown_check
from pipeline.documents import _markdown_mend as mend
from pipeline.documents._markdown_anchors import edits, links_inside
from pipeline.documents._markdown_blocks import Blocks, Walk
from pipeline.documents._markdown_events import definitions, events
from pipeline.documents._spliced import Piece, Spliced, spliced, utf8

SUFFIXES = (".md", ".markdown", ".mdown", ".mkd")
recognises = any_file


def read(name: str, content: bytes, policy: Policy) -> Document:
    """The paragraphs, headings, items and cells of a text in UTF-8."""
    utf8(name, content)
    return MarkdownDocument(content, policy)


class MarkdownDocument(Spliced):
    """A page: its front matter, then its blocks."""

    def __init__(self, content: bytes, policy: Policy, above: Iterable[tuple[int, str]] = ()) -> None:
        """`above` are headings that stand in an earlier part of the same page, with their levels."""
        self.policy = policy
        self.body = _front_matter.front_matter(content)[0]
        found = Blocks(content, policy, headings=list(above))
        self.headings = found.headings
        values = list(_front_matter.pieces(content, policy))
        taken = sum(piece.end - piece.start for piece in values)
        if self.body > len(_front_matter.MARK):
            found.skips.append((taken, self.body, "front matter"))
        self.walk(found)
        titles = [piece.segment.text for piece in values if piece.segment.path == "title"]
        super().__init__(
            content,
            [*values, *found.pieces],
            found.skips,
            lint=found.lint,
            title=titles[0] if titles else found.title,
        )

    def walk(self, found: Blocks) -> None:
        """The blocks of the page."""
        Walk(found, self.body).go(events(found.content[self.body :].decode()))

    def plain(self, text: str, *, page: bool = False) -> str:
        """A page or a piece of one, as Markdown."""
        return text

    @cached_property
    def source(self) -> str:
        """The page without its front matter, as Markdown."""
        return self.plain(self.content[self.body :].decode(), page=True)

    @cached_property
    def definitions(self) -> dict[str, str]:
        """Where the references of the page lead."""
        found = definitions(self.source)
        return {_markdown_check.label_of(label): address for label, address in found.items()}

    def prefix(self, piece: Piece) -> str:
        """What stands before a piece on its line."""
        line = self.content.rfind(b"\n", 0, piece.start) + 1
        return self.content[line : piece.start].decode()

    def mended(self, place: int, target: str) -> str:
        """The translation with one line where there can be one, no new blocks, and emphasis that works."""
        piece = self.pieces[place]
        source, kind = piece.segment.text, piece.segment.kind
        if target == source:
            return target
        if piece.start < self.body or kind == "comment":
            return target if "\n" in source else mend.one_line(target)
        if kind == "text":
            return mend.lines(source, target)
        if kind == "cell":
            target = mend.cell(mend.one_line(target))
        elif kind == "title" or (kind == "heading" and "#" in self.prefix(piece)):
            target = mend.closed(mend.one_line(target))
        else:
            target = mend.without_begins(source, mend.lines(source, target))
        hidden = (source[start:end] for start, end in piece.segment.opaque)
        target = mend.after_addresses(source, target, [part for part in hidden if "://" in part[:9]])
        return mend.emphasis(source, target)

    def findings(self, place: int, target: str) -> list[Finding]:
        """What the translation does to its block and to the marks inside it."""
        piece = self.pieces[place]
        segment = piece.segment
        if piece.start < self.body or segment.kind == "comment":
            return []
        if not target.strip():
            return [Finding("structure", "The translation is empty.")]
        prefix = "" if segment.kind in ("cell", "text") else self.prefix(piece)
        source, target = self.plain(segment.text), self.plain(target)
        return _markdown_check.compared(segment.kind, prefix, source, target, self.definitions, self.policy)

    def build(self, targets: Sequence[str | None], language: str = "") -> bytes:
        """The page with these translations, and links that still lead to its headings."""
        built = super().build(targets, language)
        way = self.policy.anchors
        if not language or way == "keep" or not (way == "explicit_id" or links_inside(self.content)):
            return built
        head, body = _parted(built)
        return head + spliced(body.encode(), edits(self.source, self.plain(body, page=True), way))

    def broken(self, built: bytes) -> list[Finding]:
        """What moved in the blocks, links, code, front-matter keys and line endings of the page."""
        found = []
        if _front_matter.keys(self.content) != _front_matter.keys(built):
            found.append(Finding("front-matter", "The keys of the front matter are not as they were."))
        if not _markdown_check.same_ends(self.content, built):
            message = "The line endings, the byte order mark or the end of the file are not as they were."
            found.append(Finding("line-ends", message))
        target = self.plain(_parted(built)[1], page=True)
        return found + _markdown_check.pages_compared(self.source, target, self.policy)


def _parted(content: bytes) -> tuple[bytes, str]:
    """A page's front matter with all before it, and the rest."""
    body = _front_matter.front_matter(content)[0]
    return content[:body], content[body:].decode(errors="replace")
