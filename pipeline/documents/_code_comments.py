"""The words of comments in code, line by line.

Python is read by its tokenizer; of other languages only lines are looked at, and the strings on them. What
looks like code that was commented out, or like an order to a tool, is left alone.
This module does not know files.
"""

from __future__ import annotations

import io
import re
import tokenize
from collections.abc import Iterator

from pipeline.documents._markdown_inline import has_words

_HASH = (
    "sh bash zsh shell console fish yaml yml toml rb ruby r perl pl dockerfile docker makefile make ini conf"
)
_SLASH = (
    "js javascript jsx ts typescript tsx java c cpp c++ h cs csharp go rust rs php swift kotlin scala dart"
)
_DASH = "sql lua haskell hs elm ada"
_SIGNS = {
    **dict.fromkeys(_HASH.split(), r"(?<!\S)\#+"),
    **dict.fromkeys(_SLASH.split(), r"(?<![:/])//+"),
    **dict.fromkeys(_DASH.split(), r"--+"),
}
_PYTHON = frozenset(("python", "py", "python3", "ipython", "ipython3"))
_STRINGS = r"\"(?:[^\"\\]|\\.)*\"|'(?:[^'\\]|\\.)*'|`[^`]*`|\\."
_MAGIC = re.compile(r"^[ \t]*[%!?].*", re.MULTILINE)
"""orders to a notebook, which are no Python"""
_ORDER = re.compile(
    r"!|type:|noqa|pylint|ruff|mypy|fmt:|pragma|eslint|prettier|ts-|@|-\*-|(?:end)?region\b|%%|<|/"
    r"|[\w.\[\]]+\s*(?:[-+*/|&]?=|\()|.*[;{}]$|(?:import|from|def|return|export|const|let|var)\s"
)


def comments(code: str, language: str) -> Iterator[tuple[int, int, int]]:
    """The line (from 0), begin and end of the words of each comment."""
    name = language.lower()
    found = _python(code) if name in _PYTHON else _others(code, _SIGNS.get(name, ""))
    lines = code.split("\n")
    for line, start, end in found:
        words = lines[line][start:end].rstrip()
        if has_words(words) and not _ORDER.match(words):
            yield line, start, start + len(words)


def _python(code: str) -> list[tuple[int, int, int]]:
    found = []
    code = _MAGIC.sub("", code)
    try:
        for token in tokenize.generate_tokens(io.StringIO(code).readline):
            if token.type == tokenize.COMMENT:
                signs = len(token.string) - len(token.string.lstrip("#").lstrip())
                found.append((token.start[0] - 1, token.start[1] + signs, token.end[1]))
    except (tokenize.TokenError, SyntaxError):
        return []
    return found


def _others(code: str, sign: str) -> Iterator[tuple[int, int, int]]:
    if not sign:
        return
    comment = re.compile(rf"{_STRINGS}|({sign}[ \t]*)")
    for number, line in enumerate(code.split("\n")):
        for found in comment.finditer(line):
            if found[1] is not None:
                yield number, found.end(), len(line)
                break
