"""JSON in which no key stands twice: then it is not known which of its values is meant.

This module does not know where a text came from, nor what a value is for.
"""

from __future__ import annotations

from typing import Any


class Twice(ValueError):
    """A key stands twice in one object."""


def distinct(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """The object of these members, for a parser's `object_pairs_hook`; `Twice` where two have one key."""
    found = dict(pairs)
    if len(found) < len(pairs):
        keys = [key for key, _ in pairs]
        twice = next(key for key in found if keys.count(key) > 1)
        raise Twice(f"the key '{twice[:80]}' stands twice in one object")
    return found


def members(value: Any) -> int:
    """How many members all objects of a value have together: a parser that drops twins has fewer."""
    count, parts = 0, [value]
    while parts:
        part = parts.pop()
        if isinstance(part, dict):
            count += len(part)
            parts.extend(part.values())
        elif isinstance(part, list):
            parts.extend(part)
    return count
