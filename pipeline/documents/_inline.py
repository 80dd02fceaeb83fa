"""A run of text and inline tags as one segment: its tags stand in the text as they are written in the file.

A tag without attributes is markup that is shown; one with attributes is opaque, as is its closing tag.
What is found wrong with a translation is about tags only. This module does not know formats.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import TypeVar

from pipeline.core.document import Finding, Segment, Span, outside
from pipeline.documents._markup import Attribute, Token, escaped, pairs, tokens, without_entities
from pipeline.documents._nested import Nested, Place, Raw

_TEMPLATE = re.compile(r"\{\{[^{}]{0,500}\}\}|\{%[^{}%]{0,500}%\}|\{#[^{}#]{0,500}#\}|<%[^<>%]{0,500}%>")
"""expressions of Django, Jinja, Handlebars and the like"""
ESCAPED_TAG = re.compile(
    r"&lt;/?(?:a|b|big|br|code|div|em|font|h[1-6]|i|img|li|ol|p|small|span|strong|sub|sup|tt|u|ul)"
    r"(?:\s[^<>&]{0,300})?/?(?:&gt;|>)"
)
"""a tag of HTML inside a text of XML; `&lt;name&gt;` may stand for a name, and be translated"""
_LINES = re.compile(r"[ \t\f]*\r?\n\s*")
_ADDRESS = re.compile(
    r"(?:https?://|www\.|mailto:)\S+|[\w.+-]+@[\w-]+\.[\w.-]+|[\w-]+(?:\.[\w-]+)*\.(?:com|org|net|io|dev)(?:/\S*)?"
)
_MOST_NAMED = 5


@dataclass(frozen=True, slots=True)
class Part:
    """A part of a run: text, a tag that opens or closes, or something that stands alone."""

    kind: str
    """text, open, close, word (code: it stands in the sentence) or alone (an image, a break)"""
    name: str
    start: int
    """where it begins in the text of the file"""
    end: int
    opaque: bool = field(default=False, kw_only=True)


AnyPart = TypeVar("AnyPart", bound=Part)


@dataclass(frozen=True, slots=True)
class Style:
    """How the text of a run is written in its file."""

    xml: bool = False
    verbatim: bool = False
    """in a CDATA section, where nothing is escaped"""
    lines: str = "\n"
    """what ends a line, with the indent of the next one"""
    read: Callable[[str], str] = str
    """text as it is written -> as people see it"""
    write: Callable[[str], str] = str
    """the other way round; signs of XML are escaped after it"""
    signs: re.Pattern[str] = ESCAPED_TAG
    """what in a text is a sign, and not a word"""


@dataclass(slots=True)
class Run:
    """A segment before it has a name: its text, what is hidden in it, and where it stands."""

    parts: Sequence[Part]
    text: str = ""
    opaque: list[Span] = field(default_factory=list)
    markup: list[Span] = field(default_factory=list)

    @property
    def start(self) -> int:
        """Where the run begins in the file's text."""
        return self.parts[0].start

    @property
    def end(self) -> int:
        """Where the run ends in the file's text."""
        return self.parts[-1].end


def trimmed(parts: Sequence[AnyPart], blank: Callable[[AnyPart], bool]) -> Sequence[AnyPart]:
    """A run without what stands around its words: blanks, tags without text, pairs that hold all of it."""
    partner = partners(parts)
    first, last = 0, len(parts) - 1
    while first <= last:
        left, right = parts[first], parts[last]
        if (
            left.kind == "alone"
            or blank(left)
            or (left.kind == "close" and partner.get(first, first) >= first)
        ):
            first += 1
        elif (
            right.kind == "alone"
            or blank(right)
            or (right.kind == "open" and partner.get(last, last) <= last)
        ):
            last -= 1
        elif left.kind == "open" and (first not in partner or partner[first] >= last):
            last -= partner.get(first) == last
            first += 1
        elif right.kind == "close" and (last not in partner or partner[last] <= first):
            last -= 1
        else:
            break
    return parts[first : last + 1]


def partners(parts: Sequence[AnyPart]) -> dict[int, int]:
    """The place of each opening tag of a run -> the place of its closing tag, and the other way round."""
    return pairs([Token(part.kind, part.name, part.start, part.end) for part in parts])


def joined(source: str, parts: Sequence[Part], style: Style) -> Run:
    """The text of a run as translators see it, with the places of its tags."""
    run = Run(_edged(source, parts))
    partner = partners(run.parts)
    pieces: list[str] = []
    at = 0
    for number, part in enumerate(run.parts):
        raw = source[part.start : part.end]
        if part.kind == "text":
            raw = style.read(_LINES.sub("\n", raw))
            run.markup += [(at + found.start(), at + found.end()) for found in style.signs.finditer(raw)]
            run.opaque += [(at + found.start(), at + found.end()) for found in _TEMPLATE.finditer(raw)]
        else:
            other = run.parts[partner[number]] if number in partner else part
            hidden = part.opaque or (part.kind == "close" and other.opaque)
            (run.opaque if hidden else run.markup).append((at, at + len(raw)))
        pieces.append(raw)
        at += len(raw)
    run.text = "".join(pieces)
    return run


def _edged(source: str, parts: Sequence[Part]) -> list[Part]:
    """The parts, without the blanks at both ends."""
    edged = list(parts)
    for place, strip in ((0, str.lstrip), (-1, str.rstrip)):
        if edged and edged[place].kind == "text":
            part = edged[place]
            text = strip(source[part.start : part.end])
            start = part.end - len(text) if place == 0 else part.start
            edged[place] = Part("text", "", start, start + len(text))
    return edged


def valued(one: Attribute, segment: Segment, *, xml: bool) -> Place:
    """The value of an attribute as a segment, without the blanks around it."""
    start, end = one.end - len(one.value.lstrip()), one.start + len(one.value.rstrip())

    def written(target: str, _: Raw) -> str:
        text = escaped(" ".join(target.split("\n")), xml=xml, known=one.value, quote=one.quote or '"')
        return text if one.quote else f'"{text}"'

    return Place(start, end, segment, written)


def place(source: str, run: Run, segment: Segment, style: Style) -> Place:
    """Where a run stands, and how its translation is written there."""
    return Place(run.start, run.end, segment, partial(_written, source, run, style))


def _written(source: str, run: Run, style: Style, target: str, raw: Raw) -> str:
    """A translation with the tags of the file in it, each the next one that is written so."""
    waiting: dict[str, list[Part]] = {}
    for part in reversed(run.parts):
        if part.kind != "text":
            waiting.setdefault(source[part.start : part.end], []).append(part)
    done: list[str] = []
    for is_tag, piece in _split(target, waiting):
        if is_tag and piece in waiting:
            parts = waiting[piece]
            part = parts.pop() if len(parts) > 1 else parts[0]
            done.append(raw(part.start, part.end))
        elif style.verbatim:
            done.append(style.write(piece).replace("]]>", "]]]]><![CDATA[>"))
        else:
            plain = escaped(style.write(piece), xml=style.xml, known=run.text)
            done.append(plain.replace("\n", style.lines))
    return "".join(done)


def _split(text: str, whole: Iterable[str]) -> Iterator[tuple[bool, str]]:
    """A text as tags and what stands between them; what `whole` holds (`<code>x</code>`) is one tag."""
    longest = max(map(len, whole), default=0)
    found = tokens(text, xml=True)
    partner = pairs(found)
    known = set(whole)
    at = 0
    for number, token in enumerate(found):
        if token.start < at:
            continue
        at = token.end
        if partner.get(number, 0) > number and found[partner[number]].end - token.start <= longest:
            end = found[partner[number]].end
            at = end if text[token.start : end] in known else at
        yield token.kind not in ("text", "broken"), text[token.start : at]


def said(text: str, hidden: Iterable[Span]) -> str:
    """What is left of a text for people when tags, expressions and entities are taken out."""
    return without_entities(" ".join(outside(text, sorted(hidden))))


def has_words(text: str, hidden: Iterable[Span] = ()) -> bool:
    """Whether there is something to translate: a letter, and not an address alone."""
    words = said(text, hidden).strip()
    return any(letter.isalpha() for letter in words) and not _ADDRESS.fullmatch(words)


def wrong_tags(source: str, spans: Iterable[Span], target: str) -> list[Finding]:
    """What is wrong with the tags of a translation: lost ones, new ones, and pairs that cross each other."""
    wanted = [source[start:end] for start, end in sorted(spans) if source[start] == "<"]
    found = [piece for is_tag, piece in _split(target, wanted) if is_tag]
    return differences([*wanted, *ESCAPED_TAG.findall(source)], [*found, *ESCAPED_TAG.findall(target)])


class Marked(Nested):
    """A document whose segments hold the tags of its file."""

    def findings(self, place: int, target: str) -> list[Finding]:
        """Tags that are lost, new, or cross each other."""
        segment = self.segments[place]
        return wrong_tags(segment.text, (*segment.opaque, *segment.markup), target)


def differences(wanted: Sequence[str], found: Sequence[str]) -> list[Finding]:
    """The findings for the tags of a translation, against those of its source; their order is free."""
    lost, new = Counter(wanted) - Counter(found), Counter(found) - Counter(wanted)
    if lost or new:
        said = [f"lost: {_named(lost)}"] * bool(lost) + [f"not in the source: {_named(new)}"] * bool(new)
        return [Finding("tags", f"Keep exactly the tags of the source ({'; '.join(said)}).")]
    if is_nested(wanted) and not is_nested(found):
        return [
            Finding("tags", "Put each closing tag after its opening tag, and let no pairs cross each other.")
        ]
    return []


def _named(tags: Counter[str]) -> str:
    names = [f"{tag} (× {number})" if number > 1 else tag for tag, number in tags.most_common(_MOST_NAMED)]
    return ", ".join([*names, "…"] if len(tags) > _MOST_NAMED else names)


def is_nested(tags: Iterable[str]) -> bool:
    """Whether tags open and close in pairs that do not cross."""
    opened: list[str] = []
    for token in (token for tag in tags for token in tokens(tag, xml=True)):
        if token.kind == "open" and token.name.lower() not in VOID:
            opened.append(token.name)
        elif token.kind == "close" and (not opened or opened.pop() != token.name):
            return False
    return not opened


VOID = frozenset((
    "area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "param", "source",
    "track", "wbr",
))  # fmt: skip
"""elements of HTML that have no end"""
