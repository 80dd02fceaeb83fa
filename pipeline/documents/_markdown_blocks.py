"""A Markdown file as pieces: its runs of words, each where it stands, and the reasons for the rest.

This module does not know front matter, and does not judge translations.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from pipeline.core.document import Policy, Segment, outside
from pipeline.documents._code_comments import comments
from pipeline.documents._markdown_events import SPANS, Event, tag
from pipeline.documents._markdown_html import runs
from pipeline.documents._markdown_inline import Inline, addresses, has_words, inline
from pipeline.documents._markdown_place import Part, Written, more_lines, seen, spans
from pipeline.documents._spliced import Piece

_KINDS = {"Heading": "heading", "TableCell": "cell"}
_APART = frozenset({"TaskListMarker", "Html"})
_INFO = re.compile(r"[\w+#-]+")
_DIRECTIVE = re.compile(rb":::+[ \t]*[\w-]*(?:\{[^}\n]*\})?[ \t]*\[?")
_SPECIAL = re.compile(r"://|www\.|@|\{[:#.%{]|:[a-z]")
_NOTHING = Inline()
_BREAKS = frozenset({"SoftBreak", "HardBreak"})
_ARTEFACT = re.compile(
    rb"""^[ \t>]*(?=[{SCOA])"""
    rb"""(?:\{"(?:msg_type|event|finish_reason|choices|id|object|role|type|error)"[ \t]*:.*\}"""
    rb"|(?:Sure|Certainly|Of course|Absolutely)[,!.][^\n]{0,80}\b(?:here(?:'s| is| are)|translat)[^\n]{0,200}"
    rb"|As an AI (?:language )?model[^\n]{0,200})[ \t]*\r?$",
    re.MULTILINE | re.IGNORECASE,
)
"""lines that a model or its server left in a text"""
_MOST_LINT = 20


@dataclass(slots=True)
class Blocks:
    """What was found in a file."""

    content: bytes
    policy: Policy
    pieces: list[Piece] = field(default_factory=list)
    skips: list[tuple[int, int, str]] = field(default_factory=list)
    lint: list[str] = field(default_factory=list)
    title: str = ""
    headings: list[tuple[int, str]] = field(default_factory=list)
    """the headings above the place that is read, with their levels"""


class Walk:
    """Goes once through the events of a file."""

    def __init__(self, found: Blocks, base: int, atoms: Sequence[Part] = ()) -> None:
        """`atoms` are spans that the text for the parser has other letters for: no translator sees them."""
        self.found = found
        self.base = base
        self.atoms = atoms
        self.eol = b"\r\n" if b"\r\n" in found.content[:4096] else b"\n"
        self.artefacts = [match.span() for match in _ARTEFACT.finditer(found.content, base)]
        self.headings = found.headings
        self.path = " > ".join(words for _, words in found.headings)
        """the headings above"""
        self.run: list[Event] = []
        self.blocks: list[str] = []
        """the blocks that are open, from the outermost"""
        self.quotes = 0
        self.language = ""
        """of the code block that is open"""
        self.level = 0
        """of the heading that is open"""
        self.fresh = False
        """whether nothing stands before the run in its item"""

    def go(self, events: Iterable[Event]) -> None:
        """All events of a page, whose places count from `base`."""
        run = self.run
        for event in events:
            name, value, begin, end = event
            if name == "Start":
                kind, data = (value, None) if value.__class__ is str else tag(value)
                if kind in SPANS:
                    run.append(event)
                    continue
                if run:
                    self.flush()
                self.enter(kind, data, begin + self.base, end + self.base)
            elif name == "End":
                if value.__class__ is str and value in SPANS:
                    run.append(event)
                    continue
                if run:
                    self.flush()
                self.leave()
            elif name == "Rule":
                self.flush()
            elif name not in _APART and (run or name not in _BREAKS):
                self.words(event)
        self.flush()

    def words(self, event: Event) -> None:
        """What stands in a paragraph, or in a block of code."""
        name, value, begin, _ = event
        if self.blocks[-1] == "HtmlBlock":  # the parser gives blanks for tabs there
            return
        if self.blocks[-1] == "CodeBlock":
            if self.found.policy.code_comments:
                self.code(value, begin + self.base)
        elif name == "Text" and value.startswith(":::") and (not self.run or self.run[-1][0] in _BREAKS):
            self.directive(event)
        else:
            self.run.append(event)

    def enter(self, kind: str, data: Any, start: int, end: int) -> None:
        """A block begins."""
        self.blocks.append(kind)
        if kind == "BlockQuote":
            self.quotes += 1
        elif kind == "Heading":
            self.level = int(data["level"][1])
        elif kind == "Item":
            self.fresh = True
        elif kind == "CodeBlock":
            info = _INFO.match(data["Fenced"]) if isinstance(data, dict) else None
            self.language = info[0] if info else ""
            self.found.skips.append((start, end, "code"))
        elif kind == "HtmlBlock":
            self.html(start, end)

    def html(self, start: int, end: int) -> None:
        """The words in a block of HTML."""
        left = end - start
        for first, last, parts in runs(self.found.content, start, end, self.quotes):
            if self.piece(first, last, "text", Inline(parts)):
                left -= last - first
        self.found.skips.append((0, left, "html"))

    def code(self, value: str, start: int) -> None:
        """The comments in a block of code."""
        content = self.found.content
        lines = value.split("\n")
        places, at = [], start
        for line in lines:  # a line of the file may have a prefix, and blanks where the parser has a tab
            end = content.find(b"\n", at)
            raw = content[at : end if end >= 0 else len(content)].removesuffix(b"\r")
            places.append(at + len(raw) - len(line.encode()) if raw.endswith(line.encode()) else -1)
            at += len(raw) + (2 if content.startswith(b"\r", at + len(raw)) else 1)
        for number, first, last in comments(value, self.language):
            words = lines[number][first:last].encode()
            begin = places[number] + len(lines[number][:first].encode())
            if places[number] >= 0:
                segment = Segment(words.decode(), "comment", self.path)
                written = Written(segment.text, words, (), b" ")
                self.found.pieces.append(Piece(begin, begin + len(words), segment, written))
                self.found.skips.append((begin + len(words), begin, "code"))  # these bytes are not left out

    def directive(self, event: Event) -> None:
        """A line of colons opens or closes a container (`::: tip Title`): only its title is words."""
        _, _, begin, end = event
        self.flush()
        start, stop = begin + self.base, end + self.base
        sign = _DIRECTIVE.match(self.found.content, start, stop)
        first = sign.end() if sign else stop
        if self.found.content[first - 1 : first] == b"[" and self.found.content[stop - 1 : stop] == b"]":
            stop -= 1
        if first < stop:
            self.piece(first, stop, "title", _NOTHING)

    def leave(self) -> None:
        """A block is over."""
        if self.blocks.pop() == "BlockQuote":
            self.quotes -= 1

    def flush(self) -> None:
        """The run so far becomes a piece, or is left out for a reason."""
        run = self.run
        while run and run[-1][0] in _BREAKS:
            run.pop()
        if not run:
            return
        content, base = self.found.content, self.base
        start, end = run[0][2] + base, run[-1][3] + base
        if content[start - 1 : start] == b"\\" and start > base and run[0][0] == "Text":
            start -= 1
        if run[-1][0] == "End" and content[end - 1 : end + 2] == b"][]":
            end += 2
        kind = self.kind()
        if kind == "cell" and not self.found.policy.tables:
            self.found.skips.append((start, end, "table"))
        elif not self.artefacts or (end := self.without_artefacts(start, end)):
            plain = len(run) == 1 and run[0][0] == "Text"
            inside = _NOTHING if plain else inline(run, content, base, self.found.policy)
            if not self.piece(start, end, kind, inside):
                self.found.skips.append((start, end, "no words"))
        run.clear()

    def kind(self) -> str:
        """What the run is, as people call it."""
        leaf = self.blocks[-1] if self.blocks else ""
        if leaf == "Item" or (self.fresh and leaf == "Paragraph" and self.blocks[-2:-1] == ["Item"]):
            self.fresh = False
            return "item"
        return _KINDS.get(leaf, "paragraph")

    def without_artefacts(self, start: int, end: int) -> int:
        """Where the run ends when lines that no person wrote are left out; 0 for nowhere."""
        at = bisect_left(self.artefacts, (start, start))
        at -= at > 0 and self.artefacts[at - 1][1] >= start
        if at == len(self.artefacts) or self.artefacts[at][0] > end:
            return end
        content = self.found.content
        first, last = self.artefacts[at]
        if len(self.found.lint) < _MOST_LINT:
            line = content.count(b"\n", 0, first) + 1
            said = content[first:last].decode(errors="replace").strip()
            self.found.lint.append(f"line {line}: looks like the answer of a program: {said[:60]}")
        cut = max(first, start)
        self.found.skips.append((cut, end, "artefact"))
        return start + len(content[start:cut].rstrip()) if cut > start else 0

    def piece(self, start: int, end: int, kind: str, inside: Inline) -> bool:
        """A piece, if there are words in it."""
        found = self.found
        signs = self.with_atoms(inside.spans, start, end) if self.atoms else inside.spans
        view = seen(found.content, (start, end), signs, inside.labels, self.quotes)
        text, parts = view.text, view.parts
        if _SPECIAL.search(text):
            parts = sorted([*parts, *addresses(text, list(parts))])
        words = "".join(outside(text, [part[:2] for part in parts])) if parts else text
        if not has_words(words):
            return False
        if kind == "heading":
            while self.headings and self.headings[-1][0] >= self.level:
                self.headings.pop()
            self.path = " > ".join(words for _, words in self.headings)
        segment = Segment(text, kind, self.path, *spans(parts)) if parts else Segment(text, kind, self.path)
        if kind == "heading":
            found.title = found.title or words.strip()
            self.headings.append((self.level, words.strip()))
            self.path = " > ".join(words for _, words in self.headings)
        more = b" " if kind in ("cell", "heading") else more_lines(found.content, start, self.eol)
        labels = tuple({label.decode(): 0 for _, _, label in inside.labels}) if inside.labels else ()
        written = Written(text, found.content[start:end], view.breaks, more, labels)
        found.pieces.append(Piece(start, end, segment, written))
        return True

    def with_atoms(self, signs: list[Part], start: int, end: int) -> list[Part]:
        """The parts with the atoms among them, none of them inside another."""
        first = bisect_left(self.atoms, (start, start, False))
        last = bisect_left(self.atoms, (end, end, False))
        found: list[Part] = []
        for part in sorted([*signs, *self.atoms[first:last]], key=lambda part: (part[0], -part[1])):
            if not found or part[0] >= found[-1][1]:
                found.append(part)
        return found
