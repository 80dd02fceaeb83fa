"""Words, phrases and ends of a text that stand twice: models fall into loops.

This module does not know translations, nor how much of it is bad.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from operator import eq

from pipeline.text.prose.words import words

_UNSPACED = re.compile(
    r"([\u3400-\u9fff][\u3041-\u30ff\u3400-\u9fff]{1,20}|[\u30a1-\u30fc]{3,20}|[\u0e01-\u0e4e]{5,20})\1"
)
"""the same in scripts without blanks; shorter ones are words: 人人, ワクワク, ต่างๆ"""
_LONGEST, _TIMES = 60, 4
"""the characters of a phrase at the end that stands there again and again, and how often that is a loop"""
USUAL = {
    "de": frozenset(("sie",)),
    "en": frozenset(("had", "that", "is", "very", "so", "many", "long")),
    "fr": frozenset(("nous", "vous")),
    "id": frozenset(("masing",)),
    "sq": frozenset(("të", "e")),
    "vi": frozenset(("luôn", "rất")),
}
"""words that stand twice in good texts of a language"""
_PHRASE = 5
"""the most words of a phrase that follows itself"""
_SIGNS = ".,;:!?…\"'“”„»«()[]。，、！？；：।؟،؛’‘*_~"
_RELATIVE = frozenset(("die", "der", "das", "den", "dem"))
"""words that may stand twice behind a comma: ", die die …"""
_WORDS, _LETTERS, _LEAST = 4, 16, 24
"""words in a phrase, letters of one where a script sets no blanks; the least phrases to tell"""


def doubled(text: str) -> bool:
    """Whether a text is one that stands twice."""
    spaced = text.split()
    if len(spaced) >= 2 * _WORDS and len(spaced) % 2 == 0:
        return spaced[: len(spaced) // 2] == spaced[len(spaced) // 2 :]
    whole = "".join(spaced)
    half = whole[: len(whole) // 2]
    return len(whole) >= _LEAST and not whole.isascii() and whole == half * 2


def twice(text: str, usual: frozenset[str]) -> str:
    """The first of `doubles`; '' where there is none."""
    return next(doubles(text, usual), "")


def doubles(text: str, usual: frozenset[str]) -> Iterator[str]:
    """Words and phrases of up to five words that follow themselves, with nothing but a blank between."""
    spaced = text.casefold().split()
    bare = [word.strip(_SIGNS) for word in spaced]
    phrases = min(_PHRASE, len(spaced) // 2) if len(set(bare)) < len(bare) else 0
    for size in range(1, phrases + 1):
        if sum(map(eq, bare, bare[size:])) < size:
            continue
        run = 0
        for at, later in enumerate(bare[size:]):
            run = run + 1 if later == bare[at] and later else 0
            if run == size and _is_loop(
                spaced[at - size + 1 : at + 1], spaced[at - size : at - size + 1], usual
            ):
                yield " ".join(bare[at - size + 1 : at + 1])
    if not text.isascii():
        yield from (found[1] for found in _UNSPACED.finditer(text))


def _is_loop(words_: list[str], before: list[str], usual: frozenset[str]) -> bool:
    """Whether these words, which follow themselves, seldom do so in good texts."""
    last = words_[-1]
    if not last[-1:].isalnum() or len(" ".join(words_)) < 2:
        return False  # a comma stands between: "very, very"
    if len(words_) > 1:
        return any(map(str.isalpha, "".join(words_)))
    return last not in usual and not (last in _RELATIVE and before and before[0].endswith(","))


def loop(text: str) -> str:
    """A phrase that fills the end of a text, over and over; a last sign may stand behind it."""
    text = text.rstrip()
    for end in (text, text[:-1]):
        if end.count(end[-2:], -_LONGEST * _TIMES) < _TIMES:
            continue
        for size in range(2, min(_LONGEST, len(end) // _TIMES) + 1):
            last = end[-size:]
            if (
                end[-1] == end[-1 - size]
                and last == end[-2 * size : -size]
                and end.endswith(last * _TIMES)
                and any(map(str.isalnum, last))
            ):
                return last
    return ""


def again(text: str) -> float:
    """The share of phrases that stood before."""
    spaced = words(text)
    units: Sequence[str] = spaced if len(text) < 12 * len(spaced) else text
    size = _WORDS if units is spaced else _LETTERS
    count = len(units) - size + 1
    if count < _LEAST:
        return 0.0
    if isinstance(units, str):
        return 1 - len({units[at : at + size] for at in range(count)}) / count
    return 1 - len(set(zip(*(units[start:] for start in range(size)), strict=False))) / count
