"""The words of a text, as terms are looked for: a Latin word is one, each Chinese or Japanese sign is one.

Blanks and line breaks are left out, so that a term is also found where a line breaks in it.
This module does not know glossaries.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from unicodedata import normalize

from pipeline.core.errors import JobError
from pipeline.system.packages import install_command

_SIGNS = r"\u0e00-\u0eff\u1000-\u109f\u1100-\u11ff\u1780-\u17ff\u2e80-\u2fdf\u3005-\u3007\u3040-\u318f"
_SIGNS += (
    r"\u31a0-\u31ff\u3400-\u4dbf\u4e00-\u9fff\ua960-\ua97f\uac00-\ud7ff\uf900-\ufaff\U00020000-\U0003ffff"
)
"""scripts that set no blanks between words, and Korean, which hangs endings on them"""
_MARKS = r"\u0300-\u036f\u0591-\u05c7\u064b-\u065f\u0900-\u0963\u0966-\u0dff"
"""vowel signs and accents, which `\\w` does not take for a part of a word"""
_TOKEN = re.compile(rf"(?:[^\W{_SIGNS}]|[{_MARKS}])+|[^\s]")
_PLAIN = re.compile(r"[a-z]{2,40}")
_HISSES = re.compile(r"(?:[sxz]|ch|sh)$")
_CONSONANT_Y = re.compile(r"[^aeiou]y$")
_SHORT = re.compile(r"[^aeiou]*[aeiou][bdfgklmnprtvz]")
"""one syllable whose last letter is doubled: run, map, plan"""
_ENDS_SHORT = re.compile(r"[^aeiou][aeiou][bdfgklmnprtvz]$")

Lemma = Callable[[str], str]


def words(text: str) -> list[str]:
    """The words of a text, in order, in the compatibility form of Unicode (full-width ＡＰＩ is API)."""
    return _TOKEN.findall(normalize("NFKC", text))


def english_forms(term: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    """The forms of a term in lower case: its last word or its first one with -s, -es, -ed or -ing."""
    for place in {0, len(term) - 1}:
        for form in _forms(term[place]):
            yield (*term[:place], form, *term[place + 1 :])


def _forms(word: str) -> Iterator[str]:
    if not _PLAIN.fullmatch(word):
        return
    if _CONSONANT_Y.search(word):
        yield from (word[:-1] + "ies", word[:-1] + "ied", word + "ing")
        return
    yield word + "es" if _HISSES.search(word) else word + "s"
    if word.endswith("o"):
        yield word + "es"
    if len(word) < 3 or word.endswith("ee"):
        return
    if word.endswith("e"):
        yield from (word + "d", word[:-1] + "ing")
        return
    if _ENDS_SHORT.search(word) or _SHORT.fullmatch(word):
        yield from (word + word[-1] + "ed", word + word[-1] + "ing")
    if not _SHORT.fullmatch(word):
        yield from (word + "ed", word + "ing")


def lemmas_of(language: str) -> Lemma | None:
    """The dictionary form of a word of a language; None for a language without such a dictionary.

    `JobError` where the package is not installed.
    """
    try:
        import simplemma
    except ImportError:
        hint = f"install the extra 'lemma': {install_command(PACKAGE)}"
        raise JobError(
            "terms are to be found by their dictionary form, and simplemma is missing", hint=hint
        ) from None
    code = language.split("-")[0].lower()
    try:
        simplemma.lemmatize("x", lang=code)
    except ValueError:
        return None
    return lambda word: str(simplemma.lemmatize(word, lang=code)).casefold()


PACKAGE = "'simplemma>=2,<3'"  # what the extra `lemma` brings
