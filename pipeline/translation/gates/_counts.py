"""What is lost and what is new between two counts, in words for a model. It does not know what is counted."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from types import MappingProxyType

from pipeline.core.document import Finding

_MOST, _LONGEST = 5, 100


def named(items: list[str]) -> str:
    """Some of them, each cut to a length that a message can hold."""
    return ", ".join(item[:_LONGEST] for item in items[:_MOST])


def complaint(
    code: str,
    noun: str,
    wanted: Counter[str],
    found: Counter[str],
    as_written: Mapping[str, str] = MappingProxyType({}),
) -> Iterator[Finding]:
    """One finding for what is lost, another for what is new; `as_written`: how what is counted is spelt."""
    lost = [as_written.get(one, one) for one in sorted(wanted - found)]
    new = [as_written.get(one, one) for one in sorted(found - wanted)]
    if lost:
        yield Finding(code, f"Your translation lost {named(lost)}. Keep them exactly as they are.")
    if new:
        yield Finding(
            code, f"Your translation has {noun} that the text has not: {named(new)}. Leave them out."
        )
