"""Words of a prose, runs of them that were copied, and terms taken out. It does not know languages."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from functools import lru_cache
from itertools import pairwise

from pipeline.translation.question import Term

_LATIN_END = re.compile(r"[A-Za-z0-9\u00c0-\u052f]")


def copied(source: Sequence[str], answer: Sequence[str]) -> list[list[str]]:
    """The runs of two or more words of an answer that follow each other in the source too."""
    follow = set(pairwise(source))
    if follow.isdisjoint(pairwise(answer)):
        return []
    runs: list[list[str]] = []
    going = False
    for pair in pairwise(answer):
        if pair in follow:
            runs = runs if going else [*runs, [pair[0]]]
            runs[-1].append(pair[1])
        going = pair in follow
    return runs


@lru_cache(256)
def standing(term: str, case: bool) -> re.Pattern[str]:
    """Finds a term as a whole word; in scripts without blanks, anywhere."""
    before = r"(?<![^\W_])" if _LATIN_END.match(term[:1]) else ""
    behind = r"(?![^\W_])" if _LATIN_END.match(term[-1:]) else ""
    spaced = r"\s+".join(map(re.escape, term.split()))
    return re.compile(f"{before}{spaced}{behind}", 0 if case else re.IGNORECASE)


def kept_out(text: str, terms: Iterable[Term]) -> str:
    """The text without terms that are the same in both languages."""
    for term in terms:
        if term.source and (term.keep or term.source == term.target):
            text = standing(term.source, False).sub(" ", text)
    return text
