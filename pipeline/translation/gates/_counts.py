"""What is lost and what is new between two counts, in words for a model. It does not know what is counted."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from pipeline.core.document import Finding

_MOST, _LONGEST = 5, 100


def named(items: list[str]) -> str:
    """Some of them, each cut to a length that a message can hold."""
    return ", ".join(item[:_LONGEST] for item in items[:_MOST])


def complaint(
    code: str, noun: str, wanted: Counter[str], found: Counter[str], *, hard: bool = True
) -> Iterator[Finding]:
    """One finding for what is lost, another for what is new."""
    lost, new = sorted(wanted - found), sorted(found - wanted)
    if lost:
        yield Finding(code, f"Your translation lost {named(lost)}. Keep them exactly as they are.", hard)
    if new:
        message = f"Your translation has {noun} that the text has not: {named(new)}. Leave them out."
        yield Finding(code, message, hard)
