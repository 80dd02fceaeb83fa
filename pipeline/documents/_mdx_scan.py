"""What MDX has beyond Markdown: imports and exports, expressions in braces, and tags of JSX.

It finds where they stand, as the compiler of MDX does, and does not read JavaScript beyond its strings,
comments and brackets. This module does not know segments.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from typing import NamedTuple


class Construct(NamedTuple):
    """A piece of a page that is not Markdown, in bytes."""

    start: int
    end: int
    kind: str
    """esm, expression, opens, closes, alone (a tag without content), code (in a fence or in backticks)"""


class Unclosed(ValueError):
    """Something that is opened at this byte and never closed."""

    def __init__(self, start: int, what: str) -> None:
        super().__init__(what)
        self.start = start
        self.what = what


_NEXT = re.compile(rb"\\.|`+|[{<]|\n", re.DOTALL)
_FENCE = re.compile(rb"[ \t>]*(?:(?:[-*+]|\d{1,9}[.)])[ \t]+)*(`{3,}(?=[^`\n]*(?:\n|\Z))|~{3,})")
_ESM = re.compile(rb"(?:import|export)[ \t{*\"']")
_EMPTY = re.compile(rb"\n[ \t]*\r?(?:\n|\Z)")
_JS = re.compile(
    rb"""(?<!:)//[^\n]*|/\*.*?(?:\*/|\Z)|"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*'|[{}`]""", re.DOTALL
)
_TEMPLATE = re.compile(rb"\\.|`|\$\{", re.DOTALL)
_TAG = re.compile(rb"<(?P<slash>/?)(?:[A-Za-z_$](?:[\w$.:-]*[\w$])?(?=[\s/>{])|(?=>))")
_INSIDE = re.compile(rb"\s+|[^\s{}<>\"'/=]+|=|/(?!>)|\"[^\"]*\"|'[^']*'")
_ID = re.compile(rb"\{#[\w-]+\}[ \t]*\r?(?:\n|\Z)")
"""the anchor of a heading, which is no expression"""


def constructs(content: bytes, start: int = 0, *, page: bool = True) -> list[Construct]:
    """All of them from `start` on, in order. `Unclosed` where one never ends.

    Only a page has imports and exports; a piece of one may begin with such a word.
    """
    found: list[Construct] = []
    ticks = _ticks(content, start)
    at, line, fresh = start, True, page
    while at < len(content):
        one = _whole_lines(content, at, fresh) if line else None
        if one:
            found.append(one)
            at, line, fresh = one.end, one.kind == "esm", one.kind == "esm"
            continue
        sign = _NEXT.search(content, at)
        if not sign:
            break
        if sign[0] == b"\n":
            # an import may follow the begin, an import, or an empty line
            fresh = page and line and not content[at : sign.start()].strip()
            at, line = sign.end(), True
            continue
        line = False
        one = _inline(content, sign, ticks)
        if one:
            found.append(one)
        at = one.end if one else sign.end()
    return found


def _whole_lines(content: bytes, at: int, fresh: bool) -> Construct | None:
    if fence := _FENCE.match(content, at):
        closing = re.compile(rb"\n[ \t>]*%s+[ \t]*(?=\r?(?:\n|\Z))" % re.escape(fence[1]))
        closed = closing.search(content, fence.end())
        return Construct(fence.start(1), closed.end() if closed else len(content), "code")
    if fresh and _ESM.match(content, at):
        end, inside = _empty_line(content, at), at
        while (sign := _JS.search(content, inside, end)) is not None:
            inside = sign.end()
            if sign[0] in (b"{", b"`"):
                inside = _balanced(content, sign.start())
                end = max(end, _empty_line(content, inside)) if inside > end else end
        return Construct(at, end, "esm")
    return None


def _empty_line(content: bytes, at: int) -> int:
    found = _EMPTY.search(content, at)
    return found.start() + 1 if found else len(content)


def _inline(content: bytes, sign: re.Match[bytes], ticks: dict[int, list[int]]) -> Construct | None:
    at = sign.start()
    if sign[0] == b"{":
        return None if _ID.match(content, at) else Construct(at, _balanced(content, at), "expression")
    if sign[0] == b"<":
        return _tag(content, at)
    if sign[0][:1] == b"`":
        places = ticks[len(sign[0])]
        place = bisect_right(places, at)
        if place < len(places) and not _EMPTY.search(content, at, places[place]):
            return Construct(at, places[place] + len(sign[0]), "code")
    return None


def _ticks(content: bytes, start: int) -> dict[int, list[int]]:
    """Where runs of backticks begin, by their length."""
    found: dict[int, list[int]] = {}
    for ticks in re.finditer(rb"`+", content[start:]):
        found.setdefault(len(ticks[0]), []).append(start + ticks.start())
    return found


def _balanced(content: bytes, start: int) -> int:
    """The end of what begins with a brace, or of a template, in JavaScript."""
    opened = [content[start : start + 1]]
    at = start + 1
    while opened:
        sign = (_TEMPLATE if opened[-1] == b"`" else _JS).search(content, at)
        if not sign:
            raise Unclosed(start, "the expression that begins here is never closed")
        at = sign.end()
        if sign[0] == b"}" or (sign[0] == b"`" == opened[-1]):
            opened.pop()
        elif sign[0] in (b"{", b"`", b"${"):
            opened.append(sign[0][-1:])
    return at


def _tag(content: bytes, start: int) -> Construct | None:
    begin = _TAG.match(content, start)
    if not begin:
        return None
    at = begin.end()
    while not content.startswith((b">", b"/>"), at):
        if content.startswith(b"{", at):
            at = _balanced(content, at)
        elif inside := _INSIDE.match(content, at):
            at = inside.end()
        else:
            raise Unclosed(start, "the tag that begins here is never closed")
    alone = content.startswith(b"/", at)
    kind = "closes" if begin["slash"] else "alone" if alone else "opens"
    return Construct(start, at + 1 + alone, kind)
