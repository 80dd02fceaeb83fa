"""What a translation keeps letter by letter: placeholders, addresses, tags, code; and the words between them.

No pattern here takes more than linear time. This module does not know languages.
"""

from __future__ import annotations

import re
from functools import lru_cache

from pipeline.core.document import Segment

_PRINTF = (
    r"%(?:\d{1,2}\$)?[-+0#]{0,3}(?:\d{1,3}|\*)?(?:\.\d{1,3})?(?:hh?|ll?|[qzt])?[sdiufgxcr](?![A-Za-z0-9])"
)
PLACEHOLDER = re.compile(
    r"\{\{[^{}]{0,200}\}\}|\{%[^{}]{0,200}%\}|\$\{[^{}]{0,200}\}|%\{[^{}\s]{0,64}\}|\{[^{}\s]{0,64}\}"
    rf"|%\([^()%\s]{{1,64}}\)[-+0#]{{0,3}}\d{{0,3}}(?:\.\d{{1,3}})?[a-zA-Z]|%(?:\d{{1,2}}\$)?@|{_PRINTF}"
)
"""a part that a program replaces, in any of the usual spellings"""
BRACES = re.compile(r"\{\s?[-$\w][^{}]{0,200}\}")
"""the same where every pair of braces is one: Fluent's `{ $name }`, ICU's `{n, number}`"""
ADDRESS = re.compile(r"(?<![A-Za-z0-9_])(?:https?|ftp)://[!#-;=?-_a-z~{|}]+", re.IGNORECASE)
MAIL = re.compile(r"(?<![A-Za-z0-9_.+-])[A-Za-z0-9_.+-]{1,64}@[A-Za-z0-9-]{1,64}\.[A-Za-z0-9._-]*[A-Za-z0-9]")
TAG = re.compile(r"</?[a-zA-Z][^<>]{0,2000}>|</?\d{1,3}/?>")
CODE = re.compile(r"(`{1,3})(?!`)([^`]{1,2000})\1(?!`)")
_OF_THE_SENTENCE = ".,;:!?'*_~|"
"""signs at the end of an address that belong to the sentence around it"""
_PAIRS = {")": "(", "]": "[", "}": "{"}


def addresses(text: str) -> list[str]:
    """The addresses of pages and of mail boxes, without the signs of the sentence around them.

    An address ends where its letters do, because Chinese sets no blank behind it, and at a bracket that it
    did not open.
    """
    pages = ADDRESS.findall(text) if "://" in text else ()
    return [*map(_bare, pages), *(MAIL.findall(text) if "@" in text else ())]


def _bare(found: str) -> str:
    opened: list[str] = []
    for place, sign in enumerate(found):
        if sign in "([{":
            opened.append(sign)
        elif sign in _PAIRS and (not opened or opened.pop() != _PAIRS[sign]):
            return found[:place].rstrip(_OF_THE_SENTENCE)
    return found.rstrip(_OF_THE_SENTENCE)


_BETWEEN = (("`", CODE), ("<", TAG), (("://",), ADDRESS), ("@", MAIL), ("{%", PLACEHOLDER))
"""each with the signs without which it finds nothing: most texts have none of them"""
_SIGNS = re.compile("[`<@{%]|://")
"""any of these signs"""


@lru_cache(64)
def prose(text: str) -> str:
    """The text with a blank in the place of everything that is kept: what people read as words."""
    if not _SIGNS.search(text):
        return text
    for signs, pattern in _BETWEEN:
        if any(sign in text for sign in signs):
            text = pattern.sub(" ", text)
    return text


def shown(segment: Segment) -> str:
    """The prose of a segment, also without its opaque parts and the signs of its markup."""
    plain = not segment.opaque and not segment.markup
    return prose(segment.text) if plain else _words_of(segment)


@lru_cache(64)
def _words_of(segment: Segment) -> str:
    parts, at = [], 0
    for start, end in sorted((*segment.opaque, *segment.markup)):
        if start >= at:
            parts.append(segment.text[at:start])
            at = end
    return prose(" ".join([*parts, segment.text[at:]]))


def shown_of(segment: Segment, answer: str) -> str:
    """The prose of an answer, without what the opaque parts of its segment hold."""
    return _words_in(segment, answer) if segment.opaque else prose(answer)


@lru_cache(64)
def _words_in(segment: Segment, answer: str) -> str:
    for start, end in segment.opaque:
        hidden = segment.text[start:end]
        if len(hidden) > 1:
            answer = answer.replace(hidden, " ", 1)
    return prose(answer)
