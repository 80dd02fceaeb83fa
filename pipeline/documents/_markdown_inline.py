"""What stands inside a block of Markdown: which parts no translator sees, and which are signs.

This module does not know blocks.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from pipeline.core.document import Policy
from pipeline.documents._markdown_events import Event, tag

_BARE = re.compile(
    r"(?<![A-Za-z0-9])(?:(?:https?|ftp)://|www\.)(?:[!#-;=?-_a-z~]|(?<=[/=#_-])[^\W\x00-\x7f]+)+"
    r"|(?<![\w.+-])[A-Za-z0-9_.+-]{1,64}@[A-Za-z0-9-]{1,64}(?:\.[A-Za-z0-9-]{1,64})+"
    r"|\{%[^%\n]*%\}|\{\{[<%][^<>%\n]*[>%]\}\}|\{[:#.][A-Za-z .][^{}\n]*\}"
    r"|(?<![\w:]):[a-z][a-z0-9_+-]*:(?![\w:])"
)
_AFTER = ".,;:!?'\"*_~"
_LETTER = re.compile(r"[^\W\d_]")
_ENTITY = re.compile(r"&#?\w{1,32};")
_BARE_TAG = re.compile(r"</?[A-Za-z][\w-]*\s*/?>")
_WORDS = frozenset({"Text", "SoftBreak", "HardBreak", "TaskListMarker"})
_CODE_SIGNS = re.compile(r"[={}<>;$\\]|[A-Za-z0-9_]\(|\w_\w|^\W*$")
_CYRILLIC, _ARABIC, _INDIC = "\u0400-\u052f", "\u0600-\u06ff", "\u0900-\u0dff"
_HAN, _KANA, _HANGUL = "\u3400-\u9fff\U00020000-\U0003ffff", "\u3040-\u30ff", "\uac00-\ud7af\u1100-\u11ff"
_OTHERS = "\u0370-\u03ff\u0530-\u05ff\u0e00-\u10ff"
_SCRIPTS = {
    "": _CYRILLIC + _ARABIC + _INDIC + _HAN + _KANA + _HANGUL + _OTHERS,
    **dict.fromkeys(("zh", "yue", "wuu"), _HAN),
    "ja": _HAN + _KANA,
    "ko": _HAN + _HANGUL,
    **dict.fromkeys(("ru", "uk", "be", "bg", "sr", "mk", "kk", "ky", "mn", "tg"), _CYRILLIC),
    **dict.fromkeys(("ar", "fa", "ur", "ps", "ckb"), _ARABIC),
    **dict.fromkeys(("he", "yi"), "\u0590-\u05ff"),
    **dict.fromkeys(("hi", "mr", "ne", "bn", "pa", "gu", "ta", "te", "kn", "ml", "si"), _INDIC),
    "el": "\u0370-\u03ff",
    "th": "\u0e00-\u0e7f",
    "hy": "\u0530-\u058f",
    "ka": "\u10a0-\u10ff",
}
"""the letters that only words have: where a language has none (Latin), code is never taken for prose"""


@dataclass(slots=True)
class Inline:
    """Parts of a block, in bytes of the file."""

    spans: list[tuple[int, int, bool]] = field(default_factory=list)
    """begin, end, and whether it is opaque; else it is markup"""
    labels: list[tuple[int, int, bytes]] = field(default_factory=list)
    """where the label of a reference is shown though the file has none: `[ref]` is seen as `[ref][ref]`"""


def is_prose(code: str, policy: Policy) -> bool:
    """Whether inline code is translated."""
    if policy.inline_code != "prose":
        return policy.inline_code == "always"
    if code.isascii():
        return False
    letters = _SCRIPTS.get(re.split("[-_]", policy.source.lower(), maxsplit=1)[0])
    return bool(letters and re.search(f"[{letters}]", code) and not _CODE_SIGNS.search(code))


def inline(run: Iterable[Event], content: bytes, base: int, policy: Policy) -> Inline:
    """The parts of one run of events, whose places count from `base`."""
    found = Inline()
    opened: list[tuple[int, str, Any]] = []
    hidden = last = 0
    for name, value, begin, finish in run:
        start, end = begin + base, finish + base
        if name == "Start":
            kind, data = tag(value)
            opened.append((start, kind, data))
            if not hidden and _hides(kind, data, policy):
                found.spans.append((start, _end(content, end, data), True))
                hidden = len(opened)
            elif not hidden:
                last = start + _width(kind, content, start)
                found.spans.append((start, last, False))
        elif name == "End":
            if not hidden:
                _close(found, content, (*opened[-1], last, end), policy)
            hidden = 0 if hidden == len(opened) else hidden
            opened.pop()
            last = end
        elif not hidden:
            found.spans += _atom(name, value, start, end, content, policy)
            last = end
    found.spans.sort()
    return found


def _hides(kind: str, data: Any, policy: Policy) -> bool:
    if kind == "Image":
        return not policy.alt_text
    return kind == "Link" and data["link_type"] in ("Autolink", "Email")


def _end(content: bytes, end: int, data: Any) -> int:
    """Where a link ends: the parser leaves the `[]` of a collapsed one out."""
    return end + 2 if data["link_type"] == "Collapsed" and content[end : end + 2] == b"[]" else end


def _width(kind: str, content: bytes, start: int) -> int:
    if kind == "Strikethrough":
        return 2 if content[start + 1 : start + 2] == b"~" else 1
    return 1 if kind in ("Emphasis", "Link") else 2


def _atom(
    name: str, value: Any, start: int, end: int, content: bytes, policy: Policy
) -> Iterator[tuple[int, int, bool]]:
    if name == "Code" and is_prose(value, policy):
        width = end - start - len(content[start:end].lstrip(b"`"))
        yield start, start + width, False
        yield end - width, end, False
    elif name == "InlineHtml":
        yield start, end, not _BARE_TAG.fullmatch(value)
    elif name not in _WORDS:
        yield start, end, True


def _close(found: Inline, content: bytes, link: tuple[int, str, Any, int, int], policy: Policy) -> None:
    """The signs after the words of emphasis or of a link; `last` is where the words end."""
    start, kind, data, last, end = link
    if kind not in ("Link", "Image"):
        found.spans.append((end - _width(kind, content, start), end, False))
        return
    form = data["link_type"]
    if form == "Reference":
        sign = content.find(b"][", last, end)
        found.spans += [(sign, sign + 1, False), (sign + 1, end, True)]
        return
    if form == "Inline":
        sign = content.find(b"](", last, end)
        title = _title(content, sign + 2, end - 1, data["title"], policy)
        found.spans.append((sign, sign + 2, False))
        found.spans.append((sign + 2, title[0] if title else end - 1, True))
        found.spans += [(*title, False)] if title else []
        found.spans.append((title[1] + len(data["title"].encode()) if title else end - 1, end, False))
        return
    after = _end(content, end, data)
    found.spans.append((end - 1, end, False))
    found.labels.append((end, after - end, content[start + _width(kind, content, start) - 1 : end]))


def _title(content: bytes, start: int, end: int, title: str, policy: Policy) -> tuple[int, int] | None:
    """The signs before a title that is translated, where the file has it as it is read."""
    words = title.encode()
    at = end - 1 - len(words)
    if not policy.link_titles or at <= start or content[at : end - 1] != words or "://" in title:
        return None
    if not has_words(title) or any(sign in title for sign in "\"'()\n"):
        return None
    blanks = len(content[start : at - 1]) - len(content[start : at - 1].rstrip())
    return (at - 1 - blanks, at) if blanks else None


def has_words(text: str) -> bool:
    """Whether a text has a letter that is no part of an entity."""
    return bool(_LETTER.search(_ENTITY.sub("", text) if "&" in text else text))


def addresses(text: str, spans: list[tuple[int, int, bool]]) -> Iterator[tuple[int, int, bool]]:
    """Addresses that stand in a text as they are, and what page generators read (`{% … %}`, `{#id}`, `:x:`).

    `spans` are sorted.
    """
    at = 0
    for match in _BARE.finditer(text):
        start, end = match.span()
        while at < len(spans) and spans[at][1] <= start:
            at += 1
        if at < len(spans) and spans[at][0] <= start:
            continue
        if at < len(spans) and text[start] not in "{:":
            end = min(end, spans[at][0])
        found = text[start:end]
        if found[0] in "{:":
            yield start, end, True
            continue
        found = found.rstrip(_AFTER)
        while found.endswith(")") and found.count(")") > found.count("("):
            found = found[:-1].rstrip(_AFTER)
        if len(found) > 4:
            yield start, start + len(found), True
