"""The links in a text: addresses, the targets of Markdown and HTML, and schemes that run code.

An image counts as another link than a link to the same address, because a reader's program fetches it
unasked. No pattern here takes more than linear time. This module does not know translations.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from html import unescape

_INVISIBLE = re.compile("[\u00ad\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff\x00-\x08\x0b\x0c\x0e-\x1f]")
_ADDRESS = re.compile(r"(?<![A-Za-z0-9_])(?:(?:https?|ftp|file|wss?)://[!-~]*|www\.[!-~]+)", re.IGNORECASE)
_MAIL = re.compile(r"(?<![\w.+-])[\w.+-]{1,64}@[\w-]{1,64}\.[\w.-]*\w", re.ASCII)
_TARGET = re.compile(r"(!?)\[[^\[\]]*\]\(\s*<?([^)\s>]+)")
_DEFINITION = re.compile(r"^[ >]*\[[^\[\]]+\]:\s*<?([^\s>]+)", re.MULTILINE)
_TAG = re.compile(r"<[a-zA-Z]([^<>]*)>")
_ATTRIBUTE = re.compile(
    r"\b(?:xlink:)?(href|src|srcset|action|formaction|poster|background|data|cite|ping)\s*=\s*[\"']?([^\"'\s>]+)",
    re.IGNORECASE,
)
_FETCHED = {"src", "srcset", "poster", "background", "data"}
_RUNS = "|".join(r"\s{0,8}".join(f"{name}:") for name in ("javascript", "vbscript"))
_CODE = re.compile(
    rf"(?:\]\(\s{{0,8}}<?|\]:|=\s{{0,8}}[\"']?|<)\s{{0,8}}({_RUNS})|({_RUNS})\S"
    r"|\b(data:)[\w.+-]{1,64}/[\w.+-]{1,64}[;,]",
    re.IGNORECASE,
)
_AFTER = ".,;:!?'\"`)>]}*_~/|"
"""characters at an end that belong to the sentence or a bracket, and not to the address"""


def links(text: str) -> set[str]:
    """Every link in a text, each in one spelling."""
    return set(_found(_INVISIBLE.sub("", unescape(text))))


def _found(text: str) -> Iterator[str]:
    pages = _ADDRESS.findall(text) if "://" in text or "www." in text.lower() else ()
    for address in (*pages, *(_MAIL.findall(text) if "@" in text else ())):
        yield _spelt(address)
    for image, target in _TARGET.findall(text) if "](" in text else ():
        yield image + _spelt(target)
    for target in _DEFINITION.findall(text) if "]:" in text else ():
        yield _spelt(target)
    for attributes in _TAG.findall(text) if "<" in text else ():
        for name, target in _ATTRIBUTE.findall(attributes):
            yield ("!" if name.lower() in _FETCHED else "") + _spelt(target)
    for groups in _CODE.findall(text) if ":" in text else ():
        yield re.sub(r"\s", "", "".join(groups)).lower()


def _spelt(address: str) -> str:
    return address.removeprefix("mailto:").rstrip(_AFTER).casefold()
