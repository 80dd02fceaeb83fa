"""The answers of all rows to one step, or one field of them, and which of them are nearly equal to others.

Of two that are alike, the one yields that was written again more often, and of equals the later row. So an
answer that stands never has to yield to a newer one, and the rounds come to an end.
"""

from __future__ import annotations

from array import array
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

from pipeline.answers.checking import parts, written_of
from pipeline.answers.items import NUMBER
from pipeline.answers.options import Named
from pipeline.answers.written import Near, about, place_of
from pipeline.core.redaction import without
from pipeline.engine.stages import Stage
from pipeline.engine.walk import Branch
from pipeline.runs.crowd.notes import Notes
from pipeline.text.alike.minhash import Alike
from pipeline.text.alike.shingles import opening

SHOWN = 160
"""characters of another answer that a complaint quotes"""
_MOST_OTHERS, _MOST_OPENINGS = 2, 3
_FEWEST, _SHARE = 5, 0.1
"""answers that begin alike are too many from so many on, and from this share of all on"""


class Crowd:
    """The answers that one check compares. Of each text only what must be kept is kept."""

    def __init__(self, index: int, stage: Stage, each: Sequence[str], check: Named) -> None:
        self.step, self.hard = stage.spec.name, check.hard
        self._index, self._each, self._field = index, each, check.field
        self._several, self._items = stage.spec.several, bool(stage.spec.item)
        self._most = float(check.options.model_dump()["most"])
        self._alike = Alike(self._most)
        self._keys, self._places, self._records = list[str](), list[str](), array("Q")
        self._about, self._begins = list[bytes](), list[bytes]()
        self._owners, self._last, self._highest = 0, "", 0
        self._valid_from: dict[int, int] = {}

    def begin(self, number: int) -> None:
        """What is met next belongs to the record with this number; what it had before is no longer valid."""
        self._last = ""
        if number <= self._highest:
            self._valid_from[number] = len(self._places)
        self._highest = max(number, self._highest)

    def meet(self, number: int, leaf: Branch) -> None:
        """Take in what one row answered, if it did; rows that share the answer bring it once."""
        row = place_of(leaf.record.key, leaf.values, self._each)
        if leaf.at <= self._index or row == self._last:
            return
        self._last = row
        for place, value in self._answers(row, leaf):
            self._owners += 1
            for one in value if self._several and isinstance(value, list) else [value]:
                for part in parts(written_of(one, leaf.values, ""), self._field):
                    if part.text.strip():
                        self._add(number, leaf, place, part.text)

    def _answers(self, row: str, leaf: Branch) -> Iterator[tuple[str, Any]]:
        """The answers of a row, each with its place: of a step over items, one for each item."""
        value = leaf.values[self.step]
        if not self._items:
            yield row, value
            return
        for at, one in enumerate(value or (), 1):
            values = {**leaf.values, NUMBER: at}
            yield place_of(leaf.record.key, values, (*self._each, NUMBER)), one

    def _add(self, number: int, leaf: Branch, place: str, text: str) -> None:
        self._alike.add(text, self._owners)
        self._keys.append(leaf.record.key)
        self._places.append(place)
        self._records.append(number)
        self._about.append(about(text, self._most))
        begin = " ".join(text[: 4 * SHOWN].split())
        begin = begin if len(begin) <= SHOWN else f"{begin[: SHOWN - 1]}…"
        shown = without(begin, leaf.record.private) if leaf.record.private else begin
        self._begins.append(shown.encode("utf-8", "replace"))

    def noted(self, notes: Notes) -> Iterator[str]:
        """Note what is nearly equal to others; the keys of the records with something new."""
        valid = [i for i in range(len(self._places)) if i >= self._valid_from.get(self._records[i], 0)]
        rank = {place: len(notes.near(self.step, place)) for place in set(self._places)}
        order = sorted(valid, key=lambda i: (rank[self._places[i]], self._records[i], i))
        found = list(self._alike.found(order))
        openings = self._openings(valid) if found else Counter[str]()
        shown = {j: self._begin(j) for _, near in found for _, j in near[:_MOST_OTHERS]}
        for i, near in found:
            others = tuple(dict.fromkeys(shown[j] for _, j in near[:_MOST_OTHERS]))
            common = self._common(self._begin(i), openings, len(valid))
            note = Near(self._about[i], near[0][0], others, common)
            if notes.add(self.step, self._places[i], note):
                yield self._keys[i]

    def _begin(self, i: int) -> str:
        return self._begins[i].decode()

    def _openings(self, valid: Sequence[int]) -> Counter[str]:
        return Counter(opening(self._begin(i))[0] for i in valid)

    @staticmethod
    def _common(begin: str, openings: Counter[str], total: int) -> tuple[str, ...]:
        """The openings that too many have: the answer's own first, as it wrote it."""
        own, written = opening(begin)
        usual = [f"{written} …"] if own and openings[own] >= _FEWEST else []
        least = max(_FEWEST, _SHARE * total)
        usual += sorted(
            f"{one} …" for one, count in openings.items() if one not in ("", own) and count >= least
        )
        return tuple(usual[:_MOST_OPENINGS])


def crowds_of(stages: Sequence[Stage]) -> list[Crowd]:
    """An empty crowd for each check that compares answers."""
    found, each = list[Crowd](), list[str]()
    for index, stage in enumerate(stages):
        each += stage.spec.forks
        found += [Crowd(index, stage, tuple(each), check) for check in stage.spec.distinct]
    return found
