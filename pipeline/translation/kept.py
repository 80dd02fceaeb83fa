"""What a translation keeps letter by letter: placeholders, addresses, tags, code; and the words between them.

No pattern here takes more than linear time. This module does not know languages.
"""

from __future__ import annotations

import re
from functools import lru_cache

from pipeline.core.document import Segment
from pipeline.text.prose.spoken import ADDRESS, CODE, MAIL, prose
from pipeline.text.scripts import scripts

BRACES = re.compile(r"\{\s?[-$\w][^{}]{0,200}\}")
"""the same where every pair of braces is one: Fluent's `{ $name }`, ICU's `{n, number}`"""
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


def code(text: str) -> list[re.Match[str]]:
    """Code between backticks, but for words of people and for placeholders alone: those are quoted."""
    found = CODE.finditer(text) if "`" in text else ()
    return [one for one in found if scripts(prose(one[2])).keys() == {"Latn"}]


def _bare(found: str) -> str:
    opened: list[str] = []
    for place, sign in enumerate(found):
        if sign in "([{":
            opened.append(sign)
        elif sign in _PAIRS and (not opened or opened.pop() != _PAIRS[sign]):
            return found[:place].rstrip(_OF_THE_SENTENCE)
    return found.rstrip(_OF_THE_SENTENCE)


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
