"""What is asked for: a segment, or the parts of a long one, each with its masks and the key of its answers.

This module does not know models or the journal.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from pipeline.core.document import Segment, Span
from pipeline.core.domain import frozen
from pipeline.text.sentences import sentences
from pipeline.translation.masks import Masked, masked, words_of
from pipeline.translation.memory import key_of
from pipeline.translation.question import Question

LONGEST = 1800
"""bytes of a text that is asked for as a whole; a longer one is split at the ends of its sentences"""
_WITHOUT_SPACES = frozenset({"zh", "ja", "th", "lo", "km", "my", "yue"})
"""languages that set no space between sentences"""
_OPENS = re.compile(r"<[^/!][^>]*(?<!/)>$")
_WORD = re.compile(r"[^\W\d_]")


@frozen
class Unit:
    """A text that is translated by one answer."""

    question: Question
    masked: Masked
    key: bytes

    @property
    def full(self) -> Masked:
        """The same with its markup hidden, too."""
        return masked(self.question.segment, self.masked.brackets, fully=True)


@dataclass(frozen=True)
class Cut:
    """A segment as units, and what stands before, between and behind them."""

    units: tuple[Unit, ...]
    glue: tuple[str, ...]

    def joined(self, targets: Sequence[str]) -> str:
        """The translation of the whole segment."""
        parts = [self.glue[0]]
        for target, glue in zip(targets, self.glue[1:], strict=True):
            parts += [target, glue]
        return "".join(parts)


class Cutter:
    """Cuts the segments of one document. `plain`: for an engine that would lose the masks."""

    def __init__(
        self, brackets: str, model: str, style: str, *, plain: bool = False, library: str = "sentencex"
    ) -> None:
        self._brackets, self._model, self._style, self._plain = brackets, model, style, plain
        self._library = library

    def cut(self, question: Question) -> Cut | None:
        """The units of a segment; None where there is nothing to translate in it."""
        segment = question.segment
        if not any(_WORD.search(segment.text, *span) for span in words_of(segment)):
            return None
        spans: list[Span] = [(0, len(segment.text))]
        if self._plain:
            spans = [span for span in words_of(segment) if _WORD.search(segment.text, *span)]
        spans = [part for span in spans for part in _short(segment, span, question.source, self._library)]
        glue = [segment.text[a:b] for a, b in _between(spans, len(segment.text))]
        if _subtag(question.target) in _WITHOUT_SPACES and not self._plain:
            glue = ["" if i and part == " " else part for i, part in enumerate(glue)]
        return Cut(tuple(self._unit(question, span) for span in spans), tuple(glue))

    def _unit(self, question: Question, span: Span) -> Unit:
        segment = _part(question.segment, span)
        terms = tuple(term for term in question.terms if _holds(segment.text, term.source))
        part = replace(question, segment=segment, terms=terms)
        shown = masked(part.segment, self._brackets)
        key = key_of(shown.text, part.source, part.target, self._model, self._style, part.terms)
        return Unit(part, shown, key)


def _holds(text: str, term: str) -> bool:
    """Whether a part of a segment holds a term of the segment, however it is written there."""
    return term.casefold() in text.casefold() or len(text) >= LONGEST // 2


def _part(segment: Segment, span: Span) -> Segment:
    start, end = span
    if (start, end) == (0, len(segment.text)):
        return segment
    inside = tuple((a - start, b - start) for a, b in segment.opaque if start <= a and b <= end)
    signs = tuple((a - start, b - start) for a, b in segment.markup if start <= a and b <= end)
    return replace(segment, text=segment.text[start:end], opaque=inside, markup=signs, most=0)


def _between(spans: Sequence[Span], length: int) -> Iterator[Span]:
    at = 0
    for start, end in spans:
        yield at, start
        at = end
    yield at, length


def _short(segment: Segment, span: Span, language: str, library: str) -> Iterator[Span]:
    """The span, or the parts of a long one: whole sentences, none of which leaves markup open."""
    start, end = span
    text = segment.text[start:end]
    if len(text.encode()) <= LONGEST or segment.syntax == "icu":
        yield span
        return
    first, last, size = start, start, 0
    for a, b in sentences(text, language, library):
        size += len(text[a:b].encode())
        last = start + b
        if size >= LONGEST // 2 and _is_whole(segment, first, last):
            yield _stripped(segment.text, first, last)
            first, size = last, 0
    if segment.text[first:end].strip():
        yield _stripped(segment.text, first, end)


def _is_whole(segment: Segment, start: int, end: int) -> bool:
    """Whether no markup or opaque part lies across an end, and signs that come in pairs are in pairs."""
    spans = [*segment.opaque, *segment.markup]
    if any(a < edge < b for a, b in spans for edge in (start, end)):
        return False
    signs = Counter(segment.text[a:b] for a, b in segment.markup if start <= a and b <= end)
    opened = sum(count for sign, count in signs.items() if sign in ("[", "![") or _OPENS.match(sign))
    closed = sum(count for sign, count in signs.items() if sign.startswith(("](", "][", "]", "</")))
    alike = [count for sign, count in signs.items() if not sign.startswith(("[", "]", "!", "<", ")"))]
    return opened == closed and all(count % 2 == 0 for count in alike)


def _subtag(tag: str) -> str:
    return tag.split("-")[0].lower() or "en"


def _stripped(text: str, start: int, end: int) -> Span:
    part = text[start:end]
    first = start + len(part) - len(part.lstrip())
    return first, max(first, start + len(part.rstrip()))
