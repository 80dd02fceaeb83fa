"""A regular expression -> a short text that matches it.

Python's own parser reads the expression. Look-around and word boundaries are skipped, so the text is
checked against the expression before it is given. This module does not know JSON Schema.
"""

from __future__ import annotations

import re
import re._parser as parser  # type: ignore[import-not-found] # no other module tells how a pattern is read
from collections.abc import Iterable
from typing import Any

_ALPHABET = "a0A -_.,:/@" + "".join(chr(code) for code in range(33, 127))


def matching(pattern: str, shortest: int = 0) -> str:
    """A text of at least `shortest` characters where the pattern allows; ValueError where none is found."""
    try:
        tree = parser.parse(pattern)
    except (re.error, OverflowError) as error:
        raise ValueError(f"cannot read the pattern {pattern!r}: {error}") from None
    for more in range(shortest + 1):
        text = _text(tree, more)
        if len(text) >= shortest and re.search(pattern, text):
            return text
    padded = _text(tree, 0).ljust(shortest, "a")
    if re.search(pattern, padded):
        return padded
    raise ValueError(f"found no text for the pattern {pattern!r}")


def _text(tree: Iterable[tuple[Any, Any]], more: int) -> str:
    return "".join(_part(str(name), value, more) for name, value in tree)


def _part(name: str, value: Any, more: int) -> str:
    """`more` is how often a repetition is taken beyond its minimum."""
    match name:
        case "LITERAL":
            return chr(int(value))
        case "NOT_LITERAL":
            return next(char for char in _ALPHABET if ord(char) != value)
        case "ANY":
            return "a"
        case "IN":
            return _one_of(value)
        case "BRANCH":
            return _text(value[1][0], more)
        case "SUBPATTERN":
            return _text(value[3], more)
        case "ATOMIC_GROUP":
            return _text(value, more)
        case "MAX_REPEAT" | "MIN_REPEAT" | "POSSESSIVE_REPEAT":
            least, most, inner = value
            return _text(inner, 0) * int(min(most, least + more))
    return ""


def _one_of(items: list[tuple[Any, Any]]) -> str:
    negated = str(items[0][0]) == "NEGATE"
    return next((char for char in _ALPHABET if _within(char, items) != negated), _first(items))


def _within(char: str, items: list[tuple[Any, Any]]) -> bool:
    return any(_covers(str(name), value, char) for name, value in items)


def _covers(name: str, value: Any, char: str) -> bool:
    if name == "LITERAL":
        return ord(char) == int(value)
    if name == "RANGE":
        return bool(value[0] <= ord(char) <= value[1])
    if name == "CATEGORY":
        kind = str(value)
        wanted = kind.replace("_NOT_", "_")
        sample = {"CATEGORY_DIGIT": r"\d", "CATEGORY_SPACE": r"\s", "CATEGORY_WORD": r"\w"}[wanted]
        return bool(re.match(sample, char)) != ("_NOT_" in kind)
    return False


def _first(items: list[tuple[Any, Any]]) -> str:
    name, value = items[0]
    return chr(value[0] if str(name) == "RANGE" else value)
