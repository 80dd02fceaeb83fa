"""Hints for a name that is wrong: the nearest right one.

This module does not know what the names stand for.
"""

from __future__ import annotations

from collections.abc import Iterable
from difflib import SequenceMatcher, get_close_matches

LIKENESS = 0.7
"""from this likeness (0 to 1) of two file names without their endings, one may be a slip for the other"""


def nearest(word: str, words: Iterable[str], likeness: float = 0.6) -> str:
    """A hint that names the right word: `did you mean 'title'?`, or '' when none is near."""
    close = closest(word, words, likeness)
    return f"did you mean '{close}'?" if close else ""


def closest(word: str, words: Iterable[str], likeness: float = 0.6) -> str:
    """The word that is nearest, or '' when none is near."""
    return next(iter(get_close_matches(word, list(words), n=1, cutoff=likeness)), "")


def nearest_file(name: str, names: Iterable[str]) -> str:
    """The same for names of files: it is not enough that their endings are alike."""
    stem = name.partition(".")[0]
    alike = (
        other for other in names if SequenceMatcher(None, stem, other.partition(".")[0]).ratio() >= LIKENESS
    )
    return nearest(name, alike)
