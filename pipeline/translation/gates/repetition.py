"""Words, phrases and ends that stand twice: models fall into loops."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from pipeline.core.document import Finding
from pipeline.text.language import tag
from pipeline.translation.gates._words import words
from pipeline.translation.kept import shown, shown_of
from pipeline.translation.question import Question

_TWICE = re.compile(r"(?<![^\W_])([^\W\d_]{2,}(?: [^\W\d_]+){0,4}) \1(?![^\W_])")
_UNSPACED = re.compile(
    r"([\u3400-\u9fff\u0e01-\u0e3a][\u3041-\u30ff\u3400-\u9fff\u0e01-\u0e4e]{1,20}|[\u30a1-\u30fc]{3,20})\1"
)
_TAIL = re.compile(r".{0,3}?(.{2,60}?)\1{3,}", re.DOTALL)
"""a loop, as it stands at the beginning of a text that is read backwards"""
_LAST = 400
"""the characters of an end in which a loop is looked for"""
_USUAL = {
    "de": frozenset(("die", "der", "das", "den", "dem", "sie")),
    "en": frozenset(("had", "that", "is", "very", "so", "many", "long")),
    "fr": frozenset(("nous", "vous")),
    "id": frozenset(("masing",)),
    "sq": frozenset(("të", "e")),
    "vi": frozenset(("luôn", "rất")),
}
"""words that stand twice in good texts of a language"""
_WORDS, _LETTERS, _LEAST = 4, 16, 24
"""words in a phrase, letters of one where a script sets no blanks; the least phrases to tell"""
_SHARE, _HARD_SHARE = 0.15, 0.3
"""the share of phrases that stand again, beyond that of the source"""


def findings(question: Question, answer: str) -> Iterator[Finding]:
    """A loop at the end or all over (hard), and words that stand twice side by side (soft)."""
    before, after = shown(question.segment), shown_of(question.segment, answer)
    tail = _tail(answer)
    if any(map(str.isalnum, tail)) and not _tail(question.segment.text):
        yield _finding(tail, hard=True)
        return
    more = _again(after) - _again(before)
    if more > _SHARE:
        yield _finding("many phrases", hard=more > _HARD_SHARE)
        return
    usual = _USUAL.get(tag(question.target).language, frozenset())
    twice = _twice(after, usual)
    if twice and not _twice(before, usual):
        yield _finding(twice, hard=False)


def _tail(text: str) -> str:
    """What is said again and again at the end of a text."""
    found = _TAIL.match(text[: -_LAST - 1 : -1])
    return found[1][::-1] if found else ""


def _finding(what: str, *, hard: bool) -> Finding:
    return Finding(
        "repetition", f"Your translation repeats {what.strip()[:60]}. Write it without that.", hard
    )


def _twice(text: str, usual: frozenset[str]) -> str:
    spaced = " ".join(text.split()).casefold()
    for found in _TWICE.finditer(spaced):
        if found[1] not in usual:
            return found[1]
    found_at = None if text.isascii() else _UNSPACED.search(text)
    return found_at[1] if found_at else ""


def _again(text: str) -> float:
    """The share of phrases that stood before."""
    spaced = words(text)
    units: Sequence[str] = spaced if len(text) < 12 * len(spaced) else text
    size = _WORDS if units is spaced else _LETTERS
    count = len(units) - size + 1
    if count < _LEAST:
        return 0.0
    return 1 - len({tuple(units[at : at + size]) for at in range(count)}) / count
