"""The codes of languages: which words are no code, and which code was meant.

Two letters are checked against ISO 639-1. Three letters are not: there are 8,000 such codes. This module does
not know texts.
"""

from __future__ import annotations

import re

from pipeline.core.document import PSEUDO
from pipeline.text.language import KNOWN, named

_TWO_LETTERS = """
aa ab ae af ak am an ar as av ay az ba be bg bh bi bm bn bo br bs ca ce ch co cr cs cu cv cy da de
dv dz ee el en eo es et eu fa ff fi fj fo fr fy ga gd gl gn gu gv ha he hi ho hr ht hu hy hz ia id
ie ig ii ik in io is it iu iw ja ji jv ka kg ki kj kk kl km kn ko kr ks ku kv kw ky la lb lg li ln
lo lt lu lv mg mh mi mk ml mn mo mr ms mt my na nb nd ne ng nl nn no nr nv ny oc oj om or os pa pi
pl ps pt qu rm rn ro ru rw sa sc sd se sg sh si sk sl sm sn so sq sr ss st su sv sw ta te tg th ti
tk tl tn to tr ts tt tw ty ug uk ur uz ve vi vo wa wo xh yi yo za zh zu
"""
_COUNTRIES = {
    "cn": "zh", "cz": "cs", "dk": "da", "gb": "en", "gr": "el", "jp": "ja", "sp": "es", "ua": "uk",
    "us": "en", "vn": "vi",
}  # fmt: skip
"""codes of countries that people write for the languages spoken there"""
_TAG = re.compile(r"[a-z]{2,3}([-_][a-z0-9]{1,8})*", re.IGNORECASE)


def meant(name: str) -> str | None:
    """For what is no code of a language: the code that was probably meant, or ''. None for a code."""
    first = re.split("[-_]", name.strip().lower())[0]
    if _TAG.fullmatch(name.strip()) and (len(first) == 3 or first in _TWO_LETTERS.split()):
        return None
    return _COUNTRIES.get(first) or next((code for code in sorted(KNOWN) if _alike(named(code), first)), "")


def wrong_pair(source: str, target: str) -> str:
    """Why nothing can be translated from one language into the other; '' where it can."""
    for name in (source, target):
        code = None if name == PSEUDO else meant(name)
        if code is not None:
            return f"'{name[:40]}' is no code of a language: write {code or 'one such as en, ja or pt-BR'}"
    same = source.replace("_", "-").lower() == target.replace("_", "-").lower()
    return f"{target} is the language of the documents" if same else ""


def _alike(name: str, word: str) -> bool:
    """Whether a word begins as the name of a language does: german, portugese."""
    return len(word) > 3 and name.lower()[:5] == word[:5]
