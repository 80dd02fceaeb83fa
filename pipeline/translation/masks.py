"""Parts of a segment that no translator may change, hidden behind numbers: `[link](⟦1⟧)`.

The brackets are characters that stand nowhere in the document. This module does not know formats.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from functools import lru_cache
from itertools import pairwise

from pipeline.core.document import Finding, Segment, Span
from pipeline.core.domain import frozen

_BRACKETS = ("⟦⟧", "⟪⟫", "⦃⦄", "⦅⦆", "⟬⟭", "⸨⸩", "〚〛", "⁅⁆")


def brackets_for(texts: Iterable[str]) -> str:
    """Two brackets that stand in none of these texts; of a text that has them all, private characters."""
    used = frozenset().union(*map(frozenset, texts))
    return next((pair for pair in _BRACKETS if used.isdisjoint(pair)), "") or _private(used)


def _private(used: frozenset[str]) -> str:
    free = (chr(code) for code in range(0xE000, 0xF8FF) if chr(code) not in used)
    return next(free, "\ue000") + next(free, "\ue001")


@frozen
class Masked:
    """A text in which masks stand for what is hidden."""

    text: str
    hidden: tuple[str, ...]
    """what stands behind mask 1, 2, …"""
    brackets: str

    def mask(self, number: int) -> str:
        """The mask with this number, from 1."""
        return f"{self.brackets[0]}{number}{self.brackets[1]}"

    def fits(self, answer: str) -> bool:
        """Whether each mask stands in the answer once, and no other."""
        if self.brackets[0] not in answer:
            return not self.hidden
        found = _masks(self.brackets).findall(answer)
        return sorted(found) == sorted(self.mask(i + 1) for i in range(len(self.hidden)))

    def findings(self, answer: str) -> list[Finding]:
        """What an answer did to the masks: lost, doubled, invented."""
        if not self.hidden and not any(sign in answer for sign in self.brackets):
            return []
        wanted = Counter(self.mask(i + 1) for i in range(len(self.hidden)))
        found = Counter(_masks(self.brackets).findall(answer))
        wrong = [f"lost {one}" for one in sorted((wanted - found).keys())]
        wrong += [f"has {one} too often" for one in sorted((found - wanted).keys())]
        if not wrong and any(sign in _masks(self.brackets).sub("", answer) for sign in self.brackets):
            wrong = [f"has {' or '.join(self.brackets)} alone"]
        if not wrong:
            return []
        named = ", ".join(wrong[:5])
        what = f"Your translation {named}. Each mask of the text must stand in it exactly once, unchanged."
        return [Finding("masks", what)]

    def shown(self, answer: str) -> str:
        """The answer with what is hidden put back; a mask that nobody knows stays as it is."""
        if not self.hidden:
            return answer
        known = {self.mask(i + 1): hidden for i, hidden in enumerate(self.hidden)}
        return _masks(self.brackets).sub(lambda found: known.get(found[0], found[0]), answer)


@lru_cache(16)
def _masks(brackets: str) -> re.Pattern[str]:
    return re.compile(re.escape(brackets[0]) + r"\d{1,6}" + re.escape(brackets[1]))


def masked(segment: Segment, brackets: str, *, fully: bool = False) -> Masked:
    """The segment with its opaque parts hidden; `fully`: also its markup."""
    spans = sorted([*segment.opaque, *segment.markup]) if fully else list(segment.opaque)
    parts, hidden, at = [], [], 0
    for start, end in _joined(spans) if fully else spans:
        hidden.append(segment.text[start:end])
        parts += [segment.text[at:start], f"{brackets[0]}{len(hidden)}{brackets[1]}"]
        at = end
    return Masked("".join([*parts, segment.text[at:]]), tuple(hidden), brackets)


def _joined(spans: list[Span]) -> list[Span]:
    """Spans that touch each other, made into one."""
    found: list[Span] = []
    for start, end in spans:
        if found and found[-1][1] == start:
            found[-1] = (found[-1][0], end)
        else:
            found.append((start, end))
    return found


def words_of(segment: Segment) -> list[Span]:
    """The parts of a segment that are neither opaque nor markup, without spaces round them."""
    edges = [0]
    for start, end in sorted([*segment.opaque, *segment.markup]):
        edges += [start, end]
    edges.append(len(segment.text))
    found = []
    for start, end in list(pairwise(edges))[::2]:
        part = segment.text[start:end]
        if part.strip():
            first = start + len(part) - len(part.lstrip())
            found.append((first, first + len(part.strip())))
    return found
