"""Texts of others in one message, fenced off from what is said about them, and quotations from them.

No text can close its fence: the mark of the fence is derived from all texts, and occurs in none of them. This
module does not know who reads the message.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from hashlib import sha256

_MARK = 12
"""characters of a mark"""
_LEAST = 2
"""letters and digits that a quotation has at least, unless it is the whole text"""
_FOLDED = str.maketrans({
    **dict.fromkeys("‘’‚‛′`´＇", "'"),
    **dict.fromkeys("“”„‟″«»「」『』＂", '"'),
    **dict.fromkeys("‐‑‒–—―−", "-"),
})  # fmt: skip
_OUTER = "\"'… "
_SPACES = re.compile(r"\s+")


def fenced(texts: Mapping[str, str]) -> str:
    """The texts, each between a line with its name and a line that ends it; the same mark is in all lines."""
    mark = _mark(texts)
    return "\n\n".join(f"[{mark} {name}]\n{text}\n[{mark} end of {name}]" for name, text in texts.items())


def _mark(texts: Mapping[str, str]) -> str:
    whole = "\0".join(texts.values()).lower()
    mark = digest(*texts.values())
    while mark in whole:
        mark = digest(mark)
    return mark


def digest(*texts: str) -> str:
    """Some characters that these texts alone have."""
    return sha256("\0".join(texts).encode("utf-8", "replace")).hexdigest()[:_MARK]


def is_quotation(quote: str, text: str) -> bool:
    """Whether a text has these words; spaces, capitals and the forms of quotes and dashes do not count."""
    words, whole = _plain(quote).strip(_OUTER), _plain(text)
    enough = sum(map(str.isalnum, words)) >= _LEAST or words == whole.strip(_OUTER)
    return bool(words) and enough and words in whole


def _plain(text: str) -> str:
    folded = unicodedata.normalize("NFKC", text.translate(_FOLDED)).translate(_FOLDED)
    return _SPACES.sub(" ", folded.casefold()).strip()
