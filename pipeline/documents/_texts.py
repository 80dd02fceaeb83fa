"""What formats of messages share: decoding, places in characters, and which values are words.

This module does not know any format.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import NamedTuple

from pipeline.core.document import Segment, Span
from pipeline.documents._spliced import Piece, Spliced, not_in

_BOMS = ((b"\xef\xbb\xbf", "utf-8"), (b"\xff\xfe", "utf-16-le"), (b"\xfe\xff", "utf-16-be"))
_TAG = (
    r"<[A-Za-z][\w.:-]*(?:\s+[\w.:@-]+\s*=\s*(?:\"[^\"<>]*\"|'[^'<>]*'|[^\s<>\"']+))*\s*/?>"
    r"|</[A-Za-z][\w.:-]*\s*>|</?\d+\s*/?>"
)
TAG = re.compile(_TAG)
_NO_WORDS = re.compile(
    r"\{\{?[^{}]*\}?\}|%\([^()]*\)[-+ #0-9.]*[a-zA-Z]|%[{<][^<>{}]*[}>]|%[-+#0-9.$*]*(?:ll?|hh?|z)?[a-zA-Z@]"
    rf"|\$\{{?\w+\}}?|\$t\([^()]*\)|{_TAG}|&#?\w+;"
)
_RUN = r"(?:y+|Y+|M+|d+|D+|H+|h+|m+|s+|S+|a+|A+|E+|L+|Z+)"
_KINDS = tuple(
    (reason, re.compile(pattern))
    for reason, pattern in (
        ("address", r"(?:[a-zA-Z][\w+.-]*://|mailto:|tel:|www\.)\S+|[\w.+-]+@[\w-]+(?:\.[\w-]+)+"),
        ("number", r"0[xX][0-9a-fA-F]+|[-+]?\d+(?:\.\d+)?[eE][-+]?\d+"),
        ("data", r"[0-9a-fA-F]{16,}|[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}"),
        ("colour", r"#[0-9a-fA-F]{3,8}|(?:rgb|hsl)a?\([^()]*\)"),
        ("path", r"(?:\.{1,2}|~|[A-Za-z]:)?[/\\]\S*|[\w.@-]+(?:[/\\][\w.@-]+)*[/\\][\w@-]+\.\w{1,5}"),
        (
            "identifier",
            r"\$?[A-Za-z][\w$-]*(?:(?:\.|::?)[\w$-]*[A-Za-z][\w$-]*)+|:[a-z_]\w*|[a-z]+(?:[A-Z]\w*)+",
        ),
        ("identifier", r"_*[A-Za-z0-9]+(?:_+[A-Za-z0-9]+)+_*"),
        ("pattern of a date", rf"(?=.*(?:yy|YY|MM|dd|DD|HH|hh|mm))(?:{_RUN}[\s./:,-]+)+{_RUN}"),
    )
)
_LONGEST_CODE = 200
SIGNS = {"n": "\n", "t": "\t", "r": "\r", "b": "\b", "f": "\f", "a": "\a", "v": "\v"}
"""the letters of escapes, as C has them"""
_HALF = re.compile("[\ud800-\udfff]")


@dataclass(frozen=True, slots=True)
class Decoded:
    """A file as text, without its byte order mark."""

    text: str
    encoding: str
    bom: int
    """the length of the byte order mark, in bytes"""

    def encoded(self, text: str) -> bytes:
        """A text as bytes of this file; half of a pair of surrogates becomes a question mark."""
        return text.encode(self.encoding, "replace")

    def line(self, place: int) -> int:
        """The line of a place, from 1."""
        return self.text.count("\n", 0, place) + 1


class Spot(NamedTuple):
    """A segment and where it stands in the decoded text, in characters."""

    start: int
    end: int
    segment: Segment
    written: Callable[[str], str]
    """a translation -> the characters in this place"""
    reason: str = ""
    """why it is left out; '' where it is translated"""


def left_out(start: int, end: int, reason: str) -> Spot:
    """Where nothing stands that could be a segment, and why."""
    return Spot(start, end, Segment(""), str, reason)


class Message(NamedTuple):
    """A text of a file of messages, and what the file says about it."""

    key: str
    start: int
    end: int
    text: str
    note: str


def decoded(name: str, content: bytes, encoding: str = "utf-8") -> Decoded:
    """The text of a file in UTF-8, in UTF-16 with a byte order mark, or in the encoding that is given."""
    bom = 0
    for mark, named in _BOMS:
        if content.startswith(mark):
            bom, encoding = len(mark), named
            break
    try:
        return Decoded(content[bom:].decode(encoding), encoding, bom)
    except UnicodeDecodeError as error:
        raise not_in(encoding, name, content[bom:], error) from None


class Texts(Spliced):
    """A document of texts with their places in characters."""

    def __init__(
        self,
        content: bytes,
        source: Decoded,
        spots: Iterable[Spot],
        *,
        rest: str,
        lint: Iterable[str] = (),
        language: Spot | None = None,
    ) -> None:
        """`language` is where the tag of the language stands, which is the text of its segment."""
        spots = [*spots, *([language] if language else [])]
        at = _bytes(source, {place for spot in spots for place in spot[:2]})
        skips = [(at[spot.start], at[spot.end], spot.reason) for spot in spots if spot.reason]
        pieces = [_piece(source, at, spot) for spot in spots if not spot.reason]
        super().__init__(content, pieces, skips, rest=rest, lint=lint)
        self._language = _piece(source, at, language) if language else None

    def build(self, targets: Sequence[str | None], language: str = "") -> bytes:
        """The file with these translations, and with the tag of their language."""
        if not language or self._language is None:
            return super().build(targets)
        whole = Spliced(self.content, [*self.pieces, self._language])
        at = whole.pieces.index(self._language)
        return whole.build([*targets[:at], language, *targets[at:]])


def _piece(source: Decoded, at: Mapping[int, int], spot: Spot) -> Piece:
    """A spot with its place in bytes. A text that did not change keeps its bytes."""
    raw = source.text[spot.start : spot.end]
    own = partial(_written, source, spot.segment.text, raw, spot.written)
    return Piece(at[spot.start], at[spot.end], spot.segment, own)


def _written(source: Decoded, own: str, raw: str, written: Callable[[str], str], text: str) -> bytes:
    return source.encoded(raw if text == own else written(text))


def _bytes(source: Decoded, places: set[int]) -> dict[int, int]:
    found, last, size = {}, 0, source.bom
    for place in sorted(places):
        size += len(source.text[last:place].encode(source.encoding))
        found[place] = size
        last = place
    return found


def no_words(text: str) -> str:
    """Why a value is nothing to translate: "number", "address", …; '' where it holds words."""
    if not text.strip():
        return "empty"
    if text.isascii():
        stripped = text.strip()
        if len(stripped) > _LONGEST_CODE:
            if not re.search(r"\s", stripped):
                return "data"
        elif reason := next((reason for reason, kind in _KINDS if kind.fullmatch(stripped)), ""):
            return reason
    return without_letters(text) or ("not Unicode" if _HALF.search(text) else "")


def without_letters(text: str) -> str:
    """ "number" or "no words" for a text that has no letters but in placeholders and tags; '' for others."""
    if any(character.isalpha() for character in _NO_WORDS.sub("", text)):
        return ""
    return "number" if any(character.isdigit() for character in text) else "no words"


def paired(text: str) -> str:
    """A text whose halves of pairs, each escaped for itself, are joined to letters."""
    if not _HALF.search(text):
        return text
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "surrogatepass")


def sign(escape: re.Match[str]) -> str:
    """What an escape stands for: a hexadecimal number, an octal one, or a letter."""
    if escape[3]:
        return SIGNS.get(escape[3], escape[3])
    return chr(int(escape[1], 16) if escape[1] else int(escape[2], 8))


def tags(text: str) -> tuple[Span, ...]:
    """The tags in a text, for `Segment.markup`."""
    return tuple(found.span() for found in TAG.finditer(text)) if "<" in text else ()
