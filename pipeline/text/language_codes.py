"""The codes of languages: which words are no code, and which code was meant.

Two letters are checked against ISO 639-1. Three letters are not: there are 8,000 such codes. This module does
not know texts.
"""

from __future__ import annotations

import re

from pipeline.text.language import KNOWN, OF_TWO, named

_COUNTRIES = {
    "cn": "zh", "cz": "cs", "dk": "da", "gb": "en", "gr": "el", "jp": "ja", "sp": "es", "ua": "uk",
    "us": "en", "vn": "vi",
}  # fmt: skip
"""codes of countries that people write for the languages spoken there"""
_TAG = re.compile(r"[a-z]{2,3}([-_][a-z0-9]{1,8})*", re.IGNORECASE)


def meant(name: str) -> str | None:
    """For what is no code of a language: the code that was probably meant, or ''. None for a code."""
    first = re.split("[-_]", name.strip().lower())[0]
    if _TAG.fullmatch(name.strip()) and (len(first) == 3 or first in OF_TWO.split()):
        return None
    return _COUNTRIES.get(first) or next((code for code in sorted(KNOWN) if _alike(named(code), first)), "")


def _alike(name: str, word: str) -> bool:
    """Whether a word begins as the name of a language does: german, portugese."""
    return len(word) > 3 and name.lower()[:5] == word[:5]
