"""The texts of a JSON file with their places, and texts as the file writes them.

This module does not know which of them are translated.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any, NamedTuple

from pipeline.core.errors import InputError, own_words

_TOKEN = re.compile(r'"([^"\\]*(?:\\.[^"\\]*)*)"|[{}\[\],:]')
_HIGH = re.compile(r"\\u(?!00[0-7])")
_BARE_SLASH = re.compile(r"(?<!\\)/")


class Value(NamedTuple):
    """A text in the file: what stands between its quotes, from `start` to `end`."""

    path: tuple[str, ...]
    start: int
    end: int
    text: str


def data(name: str, text: str) -> Any:
    """What the file holds; `InputError` where it is no JSON."""
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise InputError(f"this is not JSON: {own_words(str(error))}", where=name) from None


def values(text: str) -> Iterator[Value]:
    """Every text that is a value, of a file that is known to be JSON. Items of a list are numbered from 0."""
    path: list[str | int] = []
    key = ""
    for token in _TOKEN.finditer(text):
        sign = token[0]
        if sign == "{":
            path.append("")
        elif sign == "[":
            path.append(0)
        elif sign in ("}", "]"):
            path.pop()
        elif sign == ",":
            last = path[-1]
            path[-1] = last + 1 if isinstance(last, int) else ""
        elif sign == ":":
            path[-1] = key
        elif path and path[-1] == "" and _is_key(text, token.end()):
            key = json.loads(sign)
        else:
            yield Value(tuple(map(str, path)), token.start(1), token.end(1), json.loads(sign))


_AFTER = re.compile(r"\s*:")


def _is_key(text: str, end: int) -> bool:
    return _AFTER.match(text, end) is not None


def writer(text: str) -> Callable[[str], str]:
    """How this file writes a text: letters beyond ASCII and `/` as they are, or escaped."""
    escaped = text.isascii() and _HIGH.search(text) is not None
    slashes = "\\/" in text and not _BARE_SLASH.search(text)
    return partial(_written, escaped, slashes)


def _written(escaped: bool, slashes: bool, text: str) -> str:
    inner = json.dumps(text, ensure_ascii=escaped)[1:-1]
    return inner.replace("/", "\\/") if slashes else inner
