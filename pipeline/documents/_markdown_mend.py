"""What can be put right in a translation of Markdown without asking its model again.

This module judges nothing: `_markdown_check` does, afterwards.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from pipeline.documents._markdown_events import signature

_BEGINS = re.compile(
    r"^(?:(?P<number>\d{1,9})(?=[.)](?:\s|$))"
    r"|(?=[-+*](?:\s|$)|\#{1,6}(?:\s|$)|>|~~~|```|=+\s*$|-{2,}\s*$|(?:[-_*][ \t]*){3,}$))",
    re.MULTILINE,
)
"""what would begin another block"""
_BAR = re.compile(r"(?<!\\)((?:\\\\)*)\|")
_HARD = re.compile(r"( {2,}|\\)$")
_CLOSING = "：，。！？、；）」』】》〉”’…:,.!?;)"
_OPENING = "（「『【《〈“‘("
_MARKS = ("strong", "emphasis", "strikethrough")
_EMPHASIS = re.compile(r"(?<![*\\])(\*{1,3}|~~)(?=\S)([^*~\n]+)(?<=\S)\1(?!\*)")
_UNDERSCORES = re.compile(r"(?<![\\_])(_{1,2})(?=[^\s_])([^_\n]*[^\s_])\1(?!_)")
_LETTER = r"[^\W\x00-\x7f]"


def one_line(text: str) -> str:
    """A text on one line."""
    return " ".join(part for line in text.splitlines() if (part := line.strip()))


def lines(source: str, text: str) -> str:
    """The lines of a text, none of them empty, with the hard breaks of the source where they are as many."""
    found = [part for line in text.replace("\r", "\n").split("\n") if (part := line.strip(" \t"))]
    originals = source.split("\n")
    if len(found) == len(originals):
        ends = [_HARD.search(line) for line in originals[:-1]]
        found[:-1] = [
            _HARD.sub("", line) + (end[0] if end else "") for line, end in zip(found[:-1], ends, strict=True)
        ]
    return "\n".join(found)


def without_begins(source: str, text: str) -> str:
    """A text whose lines begin no list, heading or quote that the source does not begin."""
    if not _BEGINS.search(text) or _BEGINS.search(source):
        return text
    return _BEGINS.sub(lambda found: (found["number"] or "") + "\\", text)


def closed(text: str) -> str:
    """A heading whose last sign is no closing #."""
    return re.sub(r"(?<=\s)(#+)$", r"\\\1", text)


def cell(text: str) -> str:
    """A text that fits into one cell."""
    return _BAR.sub(r"\1\\|", text)


def after_addresses(source: str, text: str, addresses: list[str]) -> str:
    """A text with a blank between a bare address and the letters after it, which would become part of it."""
    for address in dict.fromkeys(addresses):
        if all(part[:1].isascii() for part in text.split(address)[1:]):
            continue
        stuck = re.compile(f"({re.escape(address)})(?={_LETTER})")
        if not stuck.search(source):
            text = stuck.sub(r"\1 ", text)
    return text


def emphasis(source: str, text: str) -> str:
    """A text in which emphasis works as in the source: punctuation at its ends moved out, or `_` made `*`.

    CommonMark takes `**重要：**请` for plain stars, because of the punctuation inside.
    """
    if not any(sign in source for sign in "*_~"):
        return text
    wanted = _emphasised(source)
    if not any(wanted) or _emphasised(text) == wanted:
        return text
    for candidate in _candidates(text):
        if _emphasised(candidate) == wanted:
            return candidate
    return text


def _emphasised(text: str) -> tuple[int, ...]:
    marks = signature(text)[1]
    return tuple(marks[(name,)] for name in _MARKS)


def _candidates(text: str) -> Iterator[str]:
    starred = _UNDERSCORES.sub(lambda found: "*" * len(found[1]) + found[2] + "*" * len(found[1]), text)
    for basis in dict.fromkeys((text, starred)):
        yield basis
        yield _EMPHASIS.sub(_ends_moved, basis)
        yield _EMPHASIS.sub(_ends_spaced, basis)


def _ends_moved(found: re.Match[str]) -> str:
    """Emphasis whose punctuation at an end that does not work stands outside."""
    sign, words = found[1], found[2]
    left, right = _fails(found)
    inner = words.lstrip(_OPENING + _CLOSING) if left else words
    before = words[: len(words) - len(inner)]
    core = inner.rstrip(_OPENING + _CLOSING) if right or before else inner
    return f"{before}{sign}{core}{sign}{inner[len(core) :]}" if core.strip() else found[0]


def _ends_spaced(found: re.Match[str]) -> str:
    left, right = _fails(found)
    return " " * left + found[0] + " " * right


def _fails(found: re.Match[str]) -> tuple[bool, bool]:
    """Whether punctuation inside, and a letter outside, keep the left or the right sign from working."""
    text, (start, end) = found.string, found.span()
    before, after = text[start - 1 : start], text[end : end + 1]
    inside = found[2]
    return before.isalnum() and not inside[0].isalnum(), after.isalnum() and not inside[-1].isalnum()
