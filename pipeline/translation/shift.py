"""Finds answers in which the translations of a batch stand under the wrong names: shifted, swapped or merged.

It compares what survives a translation: numbers, masks, names and code. This module does not know models.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence

_TRACE = re.compile(r"[0-9]+|[^\w\s\d.,;:!?'\"()\-]\d+\S|(?<!\w)[A-Za-z_][A-Za-z0-9_.]{2,}")
_LEAST = 2
"""neighbours that must be out of place: one may quote another by chance"""


def shifted(sources: Mapping[int, str], answers: Mapping[int, str]) -> bool:
    """Whether the texts of a batch, by their number, stand under wrong names.

    Where the source is written in Latin letters, words leave no trace in a translation: only numbers, masks
    and words with signs or capitals inside count.
    """
    letters = list(filter(str.isalpha, "".join(sources.values())))
    latin = 2 * sum(map(str.isascii, letters)) > len(letters)
    places = sorted(sources.keys() & answers.keys())
    wanted = [_traces(sources[place], latin) for place in places]
    found = [_traces(answers[place], latin) for place in places]
    if any(_holds_a_neighbour(i, wanted, found) for i in range(len(places))):
        return True
    wrong = [_fits_a_neighbour(i, wanted, found) for i in range(len(places))]
    return sum(wrong) >= _LEAST and 2 * sum(wrong) >= sum(map(bool, found))


def _traces(text: str, latin: bool) -> Counter[str]:
    words = [word.strip(".") for word in _TRACE.findall(text)]
    if latin:
        words = [word for word in words if not word.isalpha() or not word[1:].islower()]
    return Counter(words)


def _holds_a_neighbour(i: int, wanted: Sequence[Counter[str]], found: Sequence[Counter[str]]) -> bool:
    """Whether an answer has all traces of its source and of a neighbour's, whose answer has none of those."""
    if not wanted[i] or wanted[i] - found[i]:
        return False
    near = [j for j in (i - 1, i + 1) if 0 <= j < len(wanted)]
    return any(
        wanted[j] and not (wanted[i] + wanted[j]) - found[i] and not wanted[j] & found[j] for j in near
    )


def _fits_a_neighbour(i: int, wanted: Sequence[Counter[str]], found: Sequence[Counter[str]]) -> bool:
    """Whether an answer has traces of a neighbour's source, and none of its own."""
    if not found[i] or not wanted[i].keys().isdisjoint(found[i]):
        return False
    near = [j for j in (i - 2, i - 1, i + 1, i + 2) if 0 <= j < len(wanted)]
    return any((wanted[j] & found[i]).total() * 2 >= max(1, found[i].total()) for j in near)
