"""Finds the paragraphs in a part of a Word or PowerPoint file (Office Open XML), and the words beside them.

`w:p` and `a:p` are paragraphs, wherever they stand: in tables, text boxes, notes, charts. Deleted text and
the instructions of fields are left out. This module does not know which parts a file has.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Generator, Iterator
from functools import partial

from pipeline.core.document import Finding, Policy, Segment
from pipeline.core.errors import InputError
from pipeline.documents._inline import has_words, valued
from pipeline.documents._items import Item, RunOfText, plain_format, unescaped, with_fields
from pipeline.documents._markup import (
    Token,
    attribute,
    attributes,
    decoded,
    escaped,
    pairs,
    refuse_broken,
    tokens,
)
from pipeline.documents._nested import Nested, Place
from pipeline.documents._runs import Paragraph

_SPACES = {"wordprocessingml": "w", "drawingml": "a"}
_SPACE = re.compile(
    r"""xmlns(?::([\w.-]+))?\s*=\s*["']http://(?:schemas\.openxmlformats\.org|purl\.oclc\.org/ooxml)"""
    r"""/(wordprocessingml|drawingml)/(?:2006/)?main["']"""
)
_FORMATS = frozenset(
    ("w:rPr", "w:pPr", "a:rPr", "a:pPr", "a:endParaRPr", "w:sdtPr", "w:sdtEndPr", "w:smartTagPr")
)
_HEADS = frozenset(("w:sdtPr", "w:sdtEndPr", "w:smartTagPr", "w:customXmlPr"))
_WRAPPERS = frozenset(
    ("w:hyperlink", "w:ins", "w:moveTo", "w:smartTag", "w:customXml", "w:dir", "w:bdo", "w:sdt")
)
"""what holds runs; it becomes a pair of tags around its text"""
_MARKS = re.compile(
    r"w:(?:bookmark|commentRange|perm|moveFromRange|moveToRange|customXml\w+Range)(?:Start|End)"
)
_DROPPED = frozenset(("w:proofErr", "w:lastRenderedPageBreak"))
"""what Word finds out again"""
_SIGNS = {"w:noBreakHyphen": "\u2011", "w:softHyphen": "\u00ad"}
_WORDS = frozenset(("m:oMath", "m:oMathPara", "w:fldSimple", "a:fld", "w:sym"))
_OF_RUNS = frozenset(("w:r", "w:rPr", "w:t", "a:r", "a:rPr", "a:t", *_DROPPED, *_SIGNS))
"""elements whose number may change when runs are written anew"""
_DESCRIBED = re.compile(r"(?:wp|wps|wpg|pic|p|xdr|dsp):(?:docPr|cNvPr)")
_HEADING = re.compile(
    r"(?:heading|title|\u00fcberschrift|titre|t\u00edtulo|\u6807\u9898|\d)\s?\d?", re.IGNORECASE
)
_CHANGED = (
    "it holds tracked changes: accept or reject them first; inserted text is translated, deleted is not"
)


class Part(Nested):
    """A member of a Word or PowerPoint file."""

    def __init__(self, where: str, content: bytes, policy: Policy, path: str) -> None:
        text, codec = decoded(where, content)
        refuse_broken(where, text)
        self.policy = policy
        reader = _Reader(text, policy, path)
        places = [*reader.places()]
        lint = [_CHANGED] if reader.names.keys() & {"w:ins", "w:del"} else []
        super().__init__(where, text, codec, places, lint=lint)
        self.names = reader.names
        self.found = [reader.paragraphs.get(place.start) for place in self.places]

    def findings(self, place: int, target: str) -> list[Finding]:
        """Tags that are lost, new, or cross each other."""
        paragraph = self.found[place]
        return paragraph.findings(target) if paragraph else []

    def broken(self, built: bytes) -> list[Finding]:
        """Whether there are as many elements of each kind as before, runs of text aside."""
        try:
            text, _ = decoded(self.where, built)
            refuse_broken(self.where, text)
        except InputError as error:
            return [Finding("structure", f"{error.where}: {error.what}")]
        after = _Reader(text, self.policy, "").names
        for name in sorted(self.names.keys() | after.keys()):
            if name not in _OF_RUNS and self.names[name] != after[name]:
                said = f"There were {self.names[name]} of <{name}>, and there are {after[name]}."
                return [Finding("structure", said)]
        return []


class _Reader:
    """One part on its way through."""

    def __init__(self, text: str, policy: Policy, path: str) -> None:
        self.text, self.policy, self.path = text, policy, path
        root = text[: text.find(">", text.find("<", 5) + 1) + 4000][:20_000]
        spaces = {found[1] or "": _SPACES[found[2]] for found in _SPACE.finditer(root)}
        self.prefix = {kind: f"{prefix}:" if prefix else "" for prefix, kind in spaces.items()}
        self.tokens = [_renamed(token, spaces) for token in tokens(text, xml=True)]
        self.partner = pairs(self.tokens)
        self.names = Counter(self._names())
        self.paragraphs: dict[int, Paragraph] = {}
        self.headings: dict[int, str] = {}
        self.cells = 0
        self.titles = False

    def _names(self) -> Iterator[str]:
        """The elements that are no formats of runs."""
        at = 0
        while at < len(self.tokens):
            token = self.tokens[at]
            if token.name in ("w:rPr", "a:rPr") and token.kind == "open":
                at = self.partner[at]
            elif token.kind in ("open", "empty"):
                yield token.name
            at += 1

    def places(self) -> Iterator[Place]:
        """All segments of the part."""
        for at, token in enumerate(self.tokens):
            if token.kind == "open" and token.name in ("w:p", "a:p"):
                yield from self._paragraph(at)
            elif token.kind in ("open", "empty") and _DESCRIBED.fullmatch(token.name):
                yield from self._described(token)
            elif token.name == "p:ph":
                self.titles = (attribute(self.text, token, "type") or "") in ("title", "ctrTitle")
            elif token.name in ("w:tc", "a:tc"):
                self.cells += (token.kind == "open") - (token.kind == "close")
            elif token.name == "p:sp" and token.kind == "close":
                self.titles = False
            elif token.name == "p:text" and token.kind == "open":
                yield from self._plain(at)

    def _described(self, token: Token) -> Iterator[Place]:
        for one in attributes(self.text, token):
            if self.policy.alt_text and one.name in ("descr", "title") and has_words(one.value):
                yield valued(one, Segment(" ".join(one.value.split()), "alt", self._where()), xml=True)

    def _plain(self, at: int) -> Iterator[Place]:
        """An element that holds nothing but text: a comment of PowerPoint."""
        start, end = self.tokens[at].end, self.tokens[self.partner[at]].start
        text = unescaped(self.text[start:end])
        if has_words(text):
            yield Place(
                start, end, Segment(text.strip(), "comment", self._where()), partial(_plain_written, text)
            )

    def _paragraph(self, at: int) -> Iterator[Place]:
        if self.cells and not self.policy.tables:
            return
        items = with_fields([*self._items(at + 1, self.partner[at])])
        paragraph = Paragraph(self.text, items)
        level = self._level(at)
        kind = "heading" if level or self.titles else "cell" if self.cells else "paragraph"
        place = paragraph.place(kind, self._where())
        if place is None:
            return
        if level:
            self.headings = {deep: said for deep, said in self.headings.items() if deep < level}
            self.headings[level] = re.sub(r"<[^<>]*>", "", paragraph.text)
        self.paragraphs[place.start] = paragraph
        yield place

    def _where(self) -> str:
        said = [self.path] if self.path else []
        return " > ".join([*said, *(text for _, text in sorted(self.headings.items()))])

    def _level(self, at: int) -> int:
        """The level of a heading of Word; 0 for any other paragraph."""
        if self.tokens[at + 1].name != "w:pPr" or at + 1 not in self.partner:
            return 0
        style = self.tokens[at + 2]
        named = (
            attribute(self.text, style, f"{self.prefix.get('w', '')}val")
            if style.name == "w:pStyle"
            else None
        )
        if not named or not _HEADING.fullmatch(named):
            return 0
        return int(named[-1]) if named[-1].isdigit() and named[-1] != "0" else 1

    def _items(self, at: int, end: int) -> Iterator[Item]:
        """The parts of a paragraph, in order."""
        run: RunOfText | None = None
        while at < end:
            token = self.tokens[at]
            last = self.partner.get(at, at) if token.kind == "open" else at
            name = token.name
            if name in ("w:r", "a:r"):
                run = self._run(at, last) if token.kind == "open" else None
                at += 1
            elif name in _WRAPPERS and token.kind in ("open", "close"):
                at = yield from self._wrapper(at)
            else:
                if item := self._item(at, last, run):
                    yield item
                at = last + 1

    def _run(self, at: int, last: int) -> RunOfText:
        """A run; blanks between its elements, as of indented XML, belong to no element."""
        token, close = self.tokens[at], self.tokens[last]
        first = self._solid(at + 1, last, 1)
        form = ""
        if self.tokens[first].name in ("w:rPr", "a:rPr"):
            end = self.partner.get(first, first)
            form = plain_format(self.text[self.tokens[first].start : self.tokens[end].end])
            first = self._solid(end + 1, last, 1)
        content = self.tokens[self._solid(last - 1, at, -1)].end
        kind = token.name[0]
        prefix = self.prefix.get(kind, f"{kind}:")
        return RunOfText(token.start, self.tokens[first].start, kind, prefix, form, content, close.end)

    def _solid(self, at: int, last: int, step: int) -> int:
        """The next token that is no blank."""
        while at != last and self.text[self.tokens[at].start : self.tokens[at].end].isspace():
            at += step
        return at

    def _wrapper(self, at: int) -> Generator[Item, None, int]:
        """The tag of an element that holds runs, with what stands between it and the runs."""
        token, first, last = self.tokens[at], at, at
        if token.kind == "close":
            before = self._solid(at - 1, 0, -1)
            first = before if self.tokens[before].name == "w:sdtContent" else at
        else:
            following = self._solid(at + 1, self.partner[at], 1)
            while self.tokens[following].name in _HEADS:
                last = self.partner.get(following, following)
                following = self._solid(last + 1, self.partner[at], 1)
            if self.tokens[following] == Token("open", "w:sdtContent", *self.tokens[following][2:]):
                last = following
        yield Item(token.kind, token.name, self.tokens[first].start, self.tokens[last].end)
        return last + 1

    def _item(self, at: int, last: int, run: RunOfText | None) -> Item | None:
        token, name = self.tokens[at], self.tokens[at].name
        start, end = token.start, self.tokens[last].end
        if token.kind in ("text", "close", "comment", "other") or name in _FORMATS or name in _DROPPED:
            return None
        if name in ("w:t", "a:t") and run:
            inner = [unescaped(self.text[one.start : one.end]) for one in self.tokens[at + 1 : last]]
            return Item("text", name, start, end, run, run, "".join(inner)) if inner else None
        if name in _SIGNS and run:
            return Item("text", name, start, end, run, run, _SIGNS[name])
        if _MARKS.fullmatch(name):
            return Item("mark", name, start, end)
        if name == "w:fldChar":
            kind = attribute(self.text, token, f"{self.prefix.get('w', '')}fldCharType") or ""
            return Item("alone", name, start, end, run, run, field=kind)
        if name == "w:instrText":
            text = self.text[token.end : self.tokens[last].start] if last > at else ""
            return Item("alone", name, start, end, run, run, unescaped(text), field="instruction")
        return Item("word" if name in _WORDS else "alone", name, start, end, run, run)


def _renamed(token: Token, spaces: dict[str, str]) -> Token:
    """A token with the usual prefix of its namespace."""
    prefix, _, name = token.name.rpartition(":")
    usual = spaces.get(prefix)
    return (
        token
        if usual is None or not token.name or usual == prefix
        else token._replace(name=f"{usual}:{name}")
    )


def _plain_written(source: str, target: str, _: object) -> str:
    before = source[: len(source) - len(source.lstrip())]
    return before + escaped(target.replace("&", "&amp;"), xml=True) + source[len(source.rstrip()) :]
