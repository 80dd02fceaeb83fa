"""The text of an answer as a reader sees it: without Markdown and HTML, front matter and addresses.

It goes by patterns that take linear time and not by a parser: models write a small part of Markdown, and
often write it wrong. A text without a sign of markup is given back as it is.
This module does not know checks.
"""

from __future__ import annotations

import re
from functools import lru_cache
from html import unescape

from pipeline.text.notation import ENTITY

_SIGNS = re.compile(r"[*_`~#<>\[\]|\\&=]")
_MARKED_LINE = re.compile(r"\n[ \t]*(?:[-+•]|\d{1,3}[.)])[ \t]|\n---")
_FRONT = re.compile(
    r"\s*---[ \t]*\n((?:[\w-]+[ \t]*:.*\n|[ \t].*\n|- .*\n|#.*\n|\n)+)(?:---|\.\.\.)[ \t]*(?:\n|\Z)"
)
_FENCE = re.compile(r"[ \t>]*(`{3,}|~{3,})")
_INSIDE = "[!-'*-~\u00c0-\u024f\u0400-\u04ff]"
PATH = rf"{_INSIDE}+(?:\({_INSIDE}*\){_INSIDE}*)*(?<=[A-Za-z0-9/#=&_~%$\u00c0-\u024f\u0400-\u04ff)-])"
"""what may stand in an address, as X reads it: accents, Cyrillic, and brackets that are closed in it"""
ADDRESS = re.compile(rf"(?<![A-Za-z0-9_])(?:(?:https?|ftp)://|www\.){PATH}", re.I)
"""an address as it stands in a sentence, without the punctuation behind it"""
_SPACED_ADDRESS = re.compile(r"[ \t]?" + ADDRESS.pattern, re.I)
_NO_TEXT = re.compile(r" {0,3}(?:(?:([-*_])(?:[ \t]*\1){2,}|=+)[ \t]*$|\[[^\[\]\n^][^\[\]\n]*\]:[ \t]*\S)")
"""rules, lines below titles, definitions of links"""
_MARKS = re.compile(
    r"[ \t]*(?:>[ \t]?)*"
    r"(?:(?:[-+*•]|\d{1,3}[.)])[ \t]+(?:\[[ xX]\][ \t]+)?|#{1,6}[ \t]+|\[\^[^\[\]\n]+\]:[ \t]*)?"
)
"""what stands before the text of a line: of a quote, a list, a title, a note"""
_TABLE = re.compile(r"^(?=[^\n]*\|)(?=[^\n]*-)[ \t|:-]+$\n?", re.M)
_EDGE = re.compile(r"^[ \t]*\| ?| ?\|[ \t]*$", re.M)
_CELL = re.compile(r" ?\| ?")
_TARGET = r"\([^()\s]*(?:\([^()\s]*\)[^()\s]*)*(?:\s+(?:\"[^\"]*\"|'[^']*'))?\s*\)"
_LINKS = (
    ("![", re.compile(r"!\[[^\[\]]*\](?:" + _TARGET + r"|\[[^\[\]]*\])"), ""),  # images
    ("](", re.compile(r"\[([^\[\]]*)\]" + _TARGET), r"\1"),
    ("[^", re.compile(r"\[\^[^\[\]\s]+\]"), ""),  # references to notes
    ("][", re.compile(r"\[([^\[\]]+)\]\[[^\[\]]*\]"), r"\1"),
    ("<", re.compile(r"[ \t]?<https?:[^<>\s]*>", re.I), ""),
    ("@", re.compile(r"<([^<>\s@]+@[^<>\s@]+)>"), r"\1"),
)
_BREAKS = re.compile(r"<(?:br|/?(?:p|div|li|tr|h[1-6]|ul|ol|table|blockquote))\b[^<>]*>", re.I)
_TAG = re.compile(r"</?[A-Za-z][A-Za-z0-9-]*(?:\s[^<>]*|/)?>")
_CODE = re.compile(r"(?<!`)(`{1,2})(?!`)([^`\n]+)\1(?!`)")
_STRESS = (
    ("*", re.compile(r"(\*{1,3})(?=[^\s*])([^*\n]+)(?<=[^\s*])\1")),
    ("_", re.compile(r"(?<!\w)(_{1,3})(?=[^\s_])([^_\n]+)(?<=[^\s_])\1(?!\w)")),
    ("~~", re.compile(r"(~~)(?=[^\s~])([^~\n]+)(?<=[^\s~])\1")),
)
_ESCAPE = re.compile(r"\\([!-/:-@\[-`{-~])")
_PRIVATE = 0xE000
_ESCAPED = {sign + _PRIVATE: chr(sign) for sign in range(0x21, 0x7F)}
"""signs with a backslash before them are kept from the patterns as characters that nobody uses"""
_EMPTY = re.compile(r"\n[ \t]*\n[ \t\n]*")


@lru_cache(8)
def plain(text: str, code: bool = True) -> str:
    """The rendered text; blocks of code are left out where `code` is false, else kept as they are."""
    if not (_SIGNS.search(text) or has_address(text) or _MARKED_LINE.search("\n" + text)):
        return text
    if not code and "```" not in text and "~~~" not in text:
        return plain(text)  # which another check has asked for
    parts = [(_rendered(part) if prose else part) for part, prose in _parts(body(text)) if prose or code]
    return _EMPTY.sub("\n\n", "\n".join(parts)).strip()


def body(text: str) -> str:
    """What stands below the front matter."""
    front = _FRONT.match(text) if "---" in text else None
    return text[front.end() :] if front else text


def _unmarked(line: str) -> str:
    first = line.lstrip()[:1]
    if not first or not (first in "#>-+*•=_[" or first.isdigit()):
        return line
    found = None if _NO_TEXT.match(line) else _MARKS.match(line)
    return line[found.end() :] if found else ""


def _parts(text: str) -> list[tuple[str, bool]]:
    """Prose and the insides of fences, in turn, and whether it is prose."""
    if "```" not in text and "~~~" not in text:
        return [(text, True)]
    found, held, open_with = list[tuple[str, bool]](), list[str](), ""
    for line in text.split("\n"):
        fence = _FENCE.match(line)
        if fence and (not open_with or fence[1].startswith(open_with)):
            found.append(("\n".join(held), not open_with))
            held, open_with = [], "" if open_with else fence[1]
        else:
            held.append(line)
    return [*found, ("\n".join(held), not open_with)]


def _rendered(text: str) -> str:
    escaped = "\\" in text
    if escaped:
        text = _ESCAPE.sub(lambda found: chr(ord(found[1]) + _PRIVATE), text)
    if "<!--" in text:
        text = _without_comments(text)
    if "|" in text and _TABLE.search(text):
        text = _CELL.sub(" ", _EDGE.sub("", _TABLE.sub("", text)))
    text = "\n".join(map(_unmarked, text.split("\n")))
    for sign, pattern, instead in _LINKS:
        text = pattern.sub(instead, text) if sign in text else text
    text = _TAG.sub("", _BREAKS.sub("\n", text)) if "<" in text else text
    text = _SPACED_ADDRESS.sub("", text) if has_address(text) else text
    text = _CODE.sub(r"\2", text) if "`" in text else text
    for sign, pattern in _STRESS:
        for _ in range(2):  # one inside another
            text = pattern.sub(r"\2", text) if sign in text else text
    text = text.translate(_ESCAPED) if escaped else text
    return unescape(text) if "&" in text and ENTITY.search(text) else text


def has_address(text: str) -> bool:
    """Whether there may be one."""
    return "://" in text or "www." in text or "WWW." in text


def _without_comments(text: str) -> str:
    kept, at = list[str](), 0
    while (start := text.find("<!--", at)) >= 0 and (end := text.find("-->", start)) >= 0:
        kept.append(text[at:start])
        at = end + 3
    return "".join((*kept, text[at:]))
