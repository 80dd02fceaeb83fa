"""The two ends of a sentence: its last sign, and the case of its first letter."""

from __future__ import annotations

import re
from collections.abc import Iterator

from pipeline.core.document import Finding
from pipeline.text.language import is_cased, tag
from pipeline.text.prose.words import words
from pipeline.text.scripts import script_of, weight
from pipeline.translation.kept import shown
from pipeline.translation.question import Question

_CLOSING = " \t\n\"'”’»›)]}）】」』》〉*_`~⟧\u200b\u200e\u200f\u202c\u2069\u00a0\u3000"
_OPENING = " \t\n\"'“‘„«‹([{（【「『《〈*_`~⟦#>-–—¿¡\u200b\u200e\u200f\u202b\u2067\u00a0\u3000"
_CLASSES = {
    "stop": ".。．｡।۔።։᙮։။។෴༎…⋯",
    "question": "?？؟;՞፧⁇‽",
    "exclamation": "!！՜",
    "colon": ":：",
}
_CLASS_OF = {sign: name for name, signs in _CLASSES.items() for sign in signs}
_WITHOUT = {"th", "lo", "km", "my"}
"""languages that end a sentence with a blank"""
_MARKUP = re.compile(r"<[^<>]{1,200}>")
_FIRST = re.compile(r"[^\W\d_]+(?=[\s,.;:!?)'’-]|$)")
_LEAST = 15
"""the least weight of letters of a sentence"""


def findings(question: Question, answer: str) -> Iterator[Finding]:
    """A last sign that is lost, and a sentence that begins with a small letter."""
    source = question.segment.text
    lost = lost_end(question, answer)
    if lost:
        message = f"Your translation lost the {lost} at its end. Write it again."
        yield Finding("ending", message, hard=False)
    if _small(question, source, answer):
        message = "Your translation begins with a small letter. Write it again."
        yield Finding("opening", message, hard=False)


def end_of(text: str) -> str:
    """The class of the last sign of a text: stop, question, exclamation, colon; '' for a letter."""
    bare = _MARKUP.sub("", text).rstrip(_CLOSING)
    return _CLASS_OF.get(bare[-1:], "")


def lost_end(question: Question, answer: str) -> str:
    """The class of the last sign of the source, where the answer has none at its end."""
    before = end_of(question.segment.text)
    if not before or tag(question.target).language in _WITHOUT or weight(shown(question.segment)) < _LEAST:
        return ""  # "Feb.", "6 p.m."
    return "" if end_of(answer) else before


def _small(question: Question, source: str, answer: str) -> bool:
    first = answer.lstrip(_OPENING)[:1]
    if not first.islower() or not is_cased(first) or weight(shown(question.segment)) < _LEAST:
        return False
    word = _FIRST.match(answer.lstrip(_OPENING))
    if not word or not word[0].islower() or word[0] in words(source):
        return False  # iPhone, pip, e-mail addresses
    bare = source.lstrip(_OPENING)[:1]
    return bare.isupper() or bool(
        script_of(bare) in ("Hani", "Kana", "Hang", "Arab", "Hebr", "Deva", "Thai")
        and end_of(source) in ("stop", "question", "exclamation")
    )
