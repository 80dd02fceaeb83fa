"""Texts that are almost another text: an edited paragraph, and what it was before.

This module does not know translations.
"""

from __future__ import annotations

from collections.abc import Iterable
from difflib import SequenceMatcher

LEAST = 0.75
"""the ratio of difflib from which on two texts are similar"""
LONGEST = 600
"""characters of a text that is compared: the time grows with their square"""
_MOST_COMPARED = 5


class Similar:
    """Finds, among some texts, the one that is most like another; what is far off is passed over quickly."""

    def __init__(self, texts: Iterable[str]) -> None:
        self._texts = [(text, _signs(text)) for text in dict.fromkeys(texts) if len(text) <= LONGEST]

    def to(self, text: str) -> str | None:
        """The text most like this one, but not this one itself; None where none is similar."""
        if len(text) > LONGEST:
            return None
        signs = _signs(text)
        shared = [
            (2 * len(signs & others) / (len(signs) + len(others) or 1), other)
            for other, others in self._texts
            if other != text
        ]
        near = sorted((one for one in shared if one[0] >= LEAST / 2), reverse=True)[:_MOST_COMPARED]
        best, found = LEAST, None
        for _, other in near:
            matcher = SequenceMatcher(None, other, text, autojunk=False)
            if matcher.quick_ratio() >= best and (ratio := matcher.ratio()) >= best:
                best, found = ratio, other
        return found


def _signs(text: str) -> frozenset[str]:
    return frozenset(text[i : i + 2] for i in range(len(text) - 1))
