"""Whether a phrase stands in a text, whatever its markup, its spaces and its quotes.

This module does not know checks.
"""

from __future__ import annotations

import re
from functools import lru_cache
from unicodedata import normalize

from pipeline.text.plain import body, plain

_SAME = str.maketrans("‘’‚‛“”„‟", "''''\"\"\"\"", "\u00ad\u200b\u2060\ufe0e\ufe0f\ufeff")
_OTHER_SIGNS = re.compile(f"[{''.join(map(chr, _SAME))}]")
_WIDE = "[\u2e80-\u9fff\uf900-\ufaff\ufe30-\ufe4f\uff00-\uffef\U0001f000-\U0003ffff]"
_BESIDE_WIDE = re.compile(rf" (?:(?<={_WIDE} )|(?={_WIDE}))")
_UNSPACED = (
    "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u2e80-\ua4cf\uf900-\ufaff\uff00-\uffef\U00020000-\U0003ffff"
)
"""letters of scripts that write no spaces between words: Thai, Lao, Burmese, Khmer, kana, Han"""
_LETTER = f"[^\\W_{_UNSPACED}]"
_TITLED = re.compile(r"\s*(?:#{1,6}[ \t]|\S.*\n *(?:=+|-+)[ \t]*\n)")


def fold(text: str) -> str:
    """A text for comparing: small letters, plain quotes, single spaces, none beside East Asian characters."""
    small = " ".join(text.casefold().split())
    if small.isascii():
        return small
    small = normalize("NFC", small)
    small = small.translate(_SAME) if _OTHER_SIGNS.search(small) else small
    return _BESIDE_WIDE.sub("", small) if " " in small else small


folded = lru_cache(8)(fold)
"""the same for an answer, which several checks look at"""
phrase = lru_cache(4096)(fold)
"""the same for what is looked for, which is the same for many answers"""


def holds(text: str, wanted: str) -> bool:
    """Whether a text holds a phrase, as it is written or as it is read."""
    return phrase(wanted) in folded(text) or phrase(wanted) in folded(plain(text))


def has_words(text: str, unwanted: str) -> bool:
    """Whether the words of a phrase stand in a text as whole words: "art" is not in "start".

    In scripts that write no spaces any place counts. A phrase without letters is looked for as it is.
    """
    if not any(map(str.isalnum, unwanted)):
        return bool(unwanted) and unwanted in text
    small = phrase(unwanted)
    return any(small in one and _whole(small).search(one) for one in (folded(text), folded(plain(text))))


def edges(text: str) -> tuple[str, str]:
    """The first and the last line, folded; below a title, the next line belongs to the first, too."""
    lines = list(filter(None, map(str.strip, plain(text).splitlines())))
    if not lines:
        return "", ""
    return folded("\n".join(lines[: 2 if _TITLED.match(body(text)) else 1])), folded(lines[-1])


@lru_cache(4096)
def _whole(small: str) -> re.Pattern[str]:
    return re.compile(rf"(?<!{_LETTER}){re.escape(small)}(?!{_LETTER})")
