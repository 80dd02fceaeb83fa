"""MDX: Markdown with imports, tags of JSX and expressions, all of which stay as they are.

The parser of Markdown sees letters in the place of what MDX adds inside a line, and blanks in the place of
what stands on lines of its own. Text in attributes of tags is not translated.
"""

from __future__ import annotations

import re
from collections import Counter

from pipeline.core.document import Document, Finding, Policy, any_file
from pipeline.core.errors import InputError
from pipeline.documents._front_matter import front_matter
from pipeline.documents._markdown_blocks import Blocks, Walk
from pipeline.documents._markdown_events import events
from pipeline.documents._mdx_scan import Construct, Unclosed, constructs
from pipeline.documents._mdx_view import View, flow, hidden
from pipeline.documents._spliced import utf8
from pipeline.documents.markdown import MarkdownDocument

SUFFIXES = (".mdx",)
recognises = any_file
_MOST_ESCAPES = 20
_SIGN = re.compile(rb"(?<!\\)<")
_ATTRIBUTES = re.compile(rb"[\s{]")
_BEGINS = re.compile(r"(?:import|export)[ \t{*\"']")


def read(name: str, content: bytes, policy: Policy) -> Document:
    """The words of a page; `InputError` where an expression or a tag never ends, as MDX itself refuses it."""
    utf8(name, content)
    try:
        return MdxDocument(content, policy)
    except Unclosed as error:
        line = content.count(b"\n", 0, error.start) + 1
        hint = "close it, or write \\{ or \\< for the sign itself"
        raise InputError(error.what, where=f"{name}, line {line}", hint=hint) from None


class MdxDocument(MarkdownDocument):
    """A page of Markdown with constructs in it."""

    def walk(self, found: Blocks) -> None:
        """The blocks of the page, with its constructs hidden."""
        listed = constructs(found.content, self.body)
        view = View(found.content, self.body, listed)
        atoms = [(one.start, one.end, _is_opaque(found.content, one)) for one in listed if one.kind != "code"]
        seen = events(view.content.decode())
        Walk(found, self.body, atoms).go(
            (name, value, view.place(begin), view.place(end)) for name, value, begin, end in seen
        )

    def plain(self, text: str, *, page: bool = False) -> str:
        """A page or a piece of one as Markdown, with letters or blanks for its constructs."""
        content = text.encode()
        try:
            listed = constructs(content, page=page)
        except Unclosed:
            return text
        return hidden(content, 0, listed, flow(content, 0, listed)).decode()

    def mended(self, place: int, target: str) -> str:
        """What Markdown mends, and braces and `<` that the source does not have escaped."""
        target = super().mended(place, target)
        piece = self.pieces[place]
        if piece.start < self.body or target == piece.segment.text:
            return target
        return _escaped(piece.segment.text, target)

    def findings(self, place: int, target: str) -> list[Finding]:
        """What the translation does to its block, its marks, its expressions and its tags."""
        piece = self.pieces[place]
        if piece.start < self.body or piece.segment.kind == "comment":
            return []
        try:
            was, now = (
                _counted(piece.segment.text.encode(), page=False),
                _counted(target.encode(), page=False),
            )
        except Unclosed as error:
            message = f"In the translation, {error.what}: write \\{{ or \\< for the sign itself."
            return [Finding("expressions", message)]
        lost, new = was - now, now - was
        if lost or new:
            says = [f"{one} is missing" for one in sorted(lost)] + [f"{one} is new" for one in sorted(new)]
            message = f"Keep each tag and each expression in braces exactly as it is: {'; '.join(says[:5])}."
            return [Finding("expressions", message)]
        if _BEGINS.match(target) and not _BEGINS.match(piece.segment.text) and not self.prefix(piece):
            return [Finding("structure", "Do not begin the text with import or export: it would be code.")]
        return super().findings(place, target)

    def broken(self, built: bytes) -> list[Finding]:
        """What moved in the page, and whether its imports, expressions and tags are the same."""
        try:
            same = _counted(self.content) == _counted(built)
        except Unclosed:
            same = False
        what = "The imports, tags or expressions of the page are not as they were."
        return super().broken(built) + ([] if same else [Finding("expressions", what)])


def _is_opaque(content: bytes, one: Construct) -> bool:
    """Whether a construct is hidden, and not only a sign: a tag without attributes is shown."""
    return one.kind in ("expression", "esm") or _ATTRIBUTES.search(content, one.start, one.end) is not None


def _counted(content: bytes, *, page: bool = True) -> Counter[str]:
    start = front_matter(content)[0] if page else 0
    listed = (one for one in constructs(content, start, page=page) if one.kind != "code")
    return Counter(content[one.start : one.end].decode(errors="replace") for one in listed)


def _escaped(source: str, target: str) -> str:
    """A translation whose own braces are no expressions, and whose own `<` begin no tags."""
    content, original = target.encode(), source.encode()
    wanted = _counted(original, page=False)
    if _stray(original, wanted) >= 0:  # the source itself is not as MDX wants it
        return target
    for _ in range(_MOST_ESCAPES):
        at = _stray(content, wanted)
        if at < 0:
            break
        content = content[:at] + b"\\" + content[at:]
    return content.decode()


def _stray(content: bytes, wanted: Counter[str]) -> int:
    """The first expression that is not wanted or never ends, or the first `<` of no tag; -1 for none."""
    left = wanted.copy()
    try:
        listed = constructs(content, page=False)
    except Unclosed as error:
        return error.start
    at = 0
    for one in listed:
        words = content[one.start : one.end].decode()
        if sign := _SIGN.search(content, at, one.start):
            return sign.start()
        if one.kind == "expression" and not left[words]:
            return one.start
        left[words] -= 1
        at = one.end
    sign = _SIGN.search(content, at)
    return sign.start() if sign else -1
