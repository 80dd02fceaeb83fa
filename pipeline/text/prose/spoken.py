"""The words between what people do not read as words: placeholders, addresses, tags, code.

No pattern here takes more than linear time. This module does not know languages.
"""

from __future__ import annotations

import re
from functools import lru_cache

_PRINTF = (
    r"%(?:\d{1,2}\$)?[-+0#]{0,3}(?:\d{1,3}|\*)?(?:\.\d{1,3})?(?:hh?|ll?|[qzt])?[sdiufgxcr](?![A-Za-z0-9])"
)
PLACEHOLDER = re.compile(
    r"\{\{[^{}]{0,200}\}\}|\{%[^{}]{0,200}%\}|\$\{[^{}]{0,200}\}|%\{[^{}\s]{0,64}\}|\{[^{}\s]{0,64}\}"
    rf"|%\([^()%\s]{{1,64}}\)[-+0#]{{0,3}}\d{{0,3}}(?:\.\d{{1,3}})?[a-zA-Z]|%(?:\d{{1,2}}\$)?@|{_PRINTF}"
)
"""a part that a program replaces, in any of the usual spellings"""
ADDRESS = re.compile(r"(?<![A-Za-z0-9_])(?:https?|ftp)://[!#-;=?-_a-z~{|}]+", re.IGNORECASE)
MAIL = re.compile(r"(?<![A-Za-z0-9_.+-])[A-Za-z0-9_.+-]{1,64}@[A-Za-z0-9-]{1,64}\.[A-Za-z0-9._-]*[A-Za-z0-9]")
TAG = re.compile(r"</?[a-zA-Z][^<>]{0,2000}>|</?\d{1,3}/?>")
CODE = re.compile(r"(`{1,3})(?!`)([^`]{1,2000})\1(?!`)")
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


_FENCED = re.compile(r"^[ \t]*(`{3,}+|~{3,}+)[^\n`]*+\n(.*?)(?:^[ \t]*\1|\Z)", re.MULTILINE | re.DOTALL)
_NAMED = re.compile(r"(?<![\w&/])[#@＃]\w+|\]\([^()\s]{1,2000}\)|^\[[^\[\]\n]{1,200}\]:.*$", re.MULTILINE)
"""hashtags and names of people; targets of links"""


@lru_cache(64)
def spoken(text: str) -> str:
    """The words of an answer: its prose without blocks of code, hashtags and targets of links.

    An answer that is nothing but such a block keeps what stands in it.
    """
    if "```" in text or "~~~" in text:
        text = _FENCED.sub("\n", text) if _FENCED.sub("", text).strip() else _FENCED.sub(r"\2", text)
    return prose(_NAMED.sub(" ", text) if any(sign in text for sign in "#@＃(:") else text)
