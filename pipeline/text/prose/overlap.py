"""How much of a text stands in another one too, in pieces of some words or characters.

A changed word ends a piece, and the next piece begins behind it: so a copy that was lightly edited is found.
This module does not know answers.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from pipeline.core.domain import frozen

_UNIT = re.compile(r"[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3041-\u30ff\u3400-\u9fff]|[^\W_]+")
"""a character of a script without blanks, or a word or number"""
_LONGEST = 200_000
"""the characters of a text that are compared"""
_WORD = 3
"""more characters than this a unit, and a text is one of words"""


@frozen
class Overlap:
    """What is shared."""

    share: float
    """of the text"""
    pieces: float = 0.0
    """how many pieces of the least size it would fill"""
    longest: str = ""
    """the longest piece, as it stands in the text"""


NONE = Overlap(0.0)


def units(text: str) -> list[str]:
    """The words and characters of a text, without case and signs."""
    return _UNIT.findall(text[:_LONGEST].casefold())


def overlap(text: str, others: Sequence[str], size: int, characters: int) -> Overlap:
    """How much of a text stands in the others in pieces of `size` words, or of so many `characters`.

    A text of half that size is shared where it is the whole of another one.
    """
    own, given = units(text), [units(other) for other in others]
    if not own:
        return NONE
    size = size if sum(map(len, own)) > _WORD * len(own) else characters
    if len(own) < size:
        whole = len(own) >= size // 2 and own in given
        return Overlap(1.0, 1.0, text.strip()) if whole else NONE
    return _shared(text[:_LONGEST], given, size) if _may_share(own, given, size) else NONE


def _may_share(own: Sequence[str], given: Sequence[Sequence[str]], size: int) -> bool:
    """Whether a piece can be shared by its words alone, whatever their order: a quick look."""
    known = set[str]().union(*given)
    return "1" * size in "".join("1" if one in known else "0" for one in own)


def _shared(text: str, given: Sequence[Sequence[str]], size: int) -> Overlap:
    found = [(one.start(), one.end()) for one in _UNIT.finditer(text)]
    own = [text[start:end].casefold() for start, end in found]
    pieces = {piece for one in given for piece in _pieces(one, size)}
    shared = longest = until = run = end = 0
    for at, piece in enumerate(_pieces(own, size)):
        if piece in pieces:
            new = at + size - max(until, at)
            run = run + new if at <= until else size
            shared, until = shared + new, at + size
            if run > longest:
                longest, end = run, until
    passage = text[found[end - longest][0] : found[end - 1][1]] if longest else ""
    return Overlap(shared / len(own), shared / size, passage)


def _pieces(own: Sequence[str], size: int) -> Iterator[tuple[str, ...]]:
    return zip(*(own[at:] for at in range(size)), strict=False)
