"""Three versions of a document's translation become one: what was written, what stands there, what is new.

A segment that a person changed is kept. Where its source has changed, too, it is a conflict: the person's
text is kept, and named until it is changed again. This module does not know files or formats.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from difflib import SequenceMatcher

from pipeline.core.document import Outcome, Segment

KEPT = ("edited", "conflict", "gone")
"""states of segments whose text a person wrote"""
_MOST_COMPARED = 4_000_000  # pairs of segments that are compared where their order has changed
_MOST_PAIRED = 400
_ALIKE = 0.6


@dataclass(frozen=True, slots=True)
class Written:
    """A segment as it was published last."""

    source: str
    text: str
    """what stands in the file: its translation, or its source"""
    state: str


@dataclass(frozen=True, slots=True)
class Edit:
    """A text that a person wrote, for this source."""

    source: str
    text: str
    conflict: bool = False


def edits_of(written: Sequence[Written], theirs: Sequence[str] | None) -> dict[int, Edit]:
    """By place, what a person wrote; `theirs` are the texts of the file, None where it was not changed."""
    found: dict[int, Edit] = {}
    for place, one in enumerate(written):
        text = one.text if theirs is None else theirs[place]
        if text != one.text:
            found[place] = Edit(one.source, text)
        elif one.state in KEPT:
            found[place] = Edit(one.source, text, one.state == "conflict")
    return found


def merged(
    edits: Mapping[int, Edit],
    written: Sequence[Written],
    segments: Sequence[Segment],
    ours: Sequence[Outcome],
) -> tuple[list[Outcome], list[Edit]]:
    """What becomes of each segment; and edits whose segment is gone."""
    outcomes, gone = list(ours), list[Edit]()
    sources = [segment.text for segment in segments]
    found = aligned([one.source for one in written], sources, edits) if edits else {}
    for place, edit in edits.items():
        if place in found:
            now = found[place]
            outcomes[now] = with_edit(edit, sources[now], outcomes[now])
        else:
            gone.append(edit)
    return outcomes, gone


def with_edit(edit: Edit, source: str, ours: Outcome) -> Outcome:
    """What becomes of a segment that a person changed."""
    if edit.text == (source if ours.target is None else ours.target):
        return ours
    state = "conflict" if edit.conflict or edit.source != source else "edited"
    return replace(ours, target=edit.text, state=state, findings=(), candidate=ours.target or "")


def aligned(before: Sequence[str], now: Sequence[str], wanted: Collection[int]) -> dict[int, int]:
    """For each wanted place in `before`, its place in `now`; those that are gone are left out."""
    start = 0
    while start < min(len(before), len(now)) and before[start] == now[start]:
        start += 1
    end = 0
    while end < min(len(before), len(now)) - start and before[-1 - end] == now[-1 - end]:
        end += 1
    pairs = {i: i for i in range(start)} | {len(before) - i: len(now) - i for i in range(1, end + 1)}
    old, new = range(start, len(before) - end), range(start, len(now) - end)
    if len(old) * len(new) <= _MOST_COMPARED:
        pairs |= _compared(before, now, old, new)
    _add_moved(before, now, pairs, [place for place in old if place in wanted])
    return {place: pairs[place] for place in wanted if place in pairs}


def _compared(before: Sequence[str], now: Sequence[str], old: range, new: range) -> dict[int, int]:
    a, b = [before[i] for i in old], [now[i] for i in new]
    pairs: dict[int, int] = {}
    changed: list[tuple[int, int, int, int]] = []
    elsewhere = Counter(a), Counter(b)
    for kind, i, i_end, j, j_end in SequenceMatcher(None, a, b, autojunk=False).get_opcodes():
        if kind == "equal":
            pairs |= {old[i + k]: new[j + k] for k in range(i_end - i)}
        elif kind == "replace":
            changed.append((i, i_end, j, j_end))
    for i, i_end, j, j_end in changed:
        left = [k for k in range(i, i_end) if not elsewhere[1][a[k]]]  # what moved is no changed text
        right = [k for k in range(j, j_end) if not elsewhere[0][b[k]]]
        if len(left) == len(right):
            pairs |= {old[k]: new[m] for k, m in zip(left, right, strict=True)}
        elif len(left) * len(right) <= _MOST_PAIRED:
            pairs |= {old[k]: new[m] for k, m in _alike(a, b, left, right)}
    return pairs


def _alike(a: Sequence[str], b: Sequence[str], left: list[int], right: list[int]) -> list[tuple[int, int]]:
    """Pairs of texts that are nearly the same, the nearest first; each text is in one pair at most."""
    ranked = sorted(
        (
            (SequenceMatcher(None, a[i], b[j], autojunk=False).quick_ratio(), -i, -j)
            for i in left
            for j in right
        ),
        reverse=True,
    )
    pairs: dict[int, int] = {}
    for ratio, i, j in ranked:
        if ratio >= _ALIKE and -i not in pairs and -j not in pairs.values():
            pairs[-i] = -j
    return list(pairs.items())


def _add_moved(before: Sequence[str], now: Sequence[str], pairs: dict[int, int], places: list[int]) -> None:
    """Add pairs of equal texts that stand elsewhere, where there is one such text on both sides."""
    used = set(pairs.values())
    free: dict[str, list[int]] = {}
    for place, text in enumerate(now):
        if place not in used:
            free.setdefault(text, []).append(place)
    open_ = Counter(text for place, text in enumerate(before) if place not in pairs)
    for place in places:
        text = before[place]
        if place not in pairs and open_[text] == 1 and len(free.get(text, ())) == 1:
            (pairs[place],) = free[text]
