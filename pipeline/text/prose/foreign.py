"""Whether a text is written in a language and its script, where it has letters enough to tell.

A script decides at once; among languages of one script a model of letters does. This module does not know
translations.
"""

from __future__ import annotations

from collections.abc import Mapping

from pipeline.text.language import KNOWN, Tag, best, chinese_of, named, ranking, scripts_of
from pipeline.text.prose.words import words
from pipeline.text.scripts import script_of, scripts, weights

LETTERS = 15
"""the least weight of letters of which a language can be told"""
_MANY = 30
"""the weight from which on the model of letters is believed"""
_BETTER = {"likely": (3.0, 6.0), "other": (8.0, 12.0), "near": (16.0, 30.0)}
"""how much better than the target another language must fit, as a logarithm: for a hint, and to be sure"""
_LEAST_SHARE = 0.12
"""the least share of letters in the scripts of the target: names and products stay as they are"""
_NEAR = tuple(
    frozenset(group.split(" "))
    for group in (
        "da no sv fo is", "cs sk", "hr sr bs sl mk", "es pt gl ca an oc ast eu", "id ms jv su", "fi et",
        "ru uk be bg mk sr", "nl af li fy de lb nds", "it co sc lmo vec scn fr wa", "hi mr ne sa",
        "ar fa ur ps", "zu xh", "kk ky tt ba", "tr az tk uz",
    )
)  # fmt: skip
"""languages that a model of letters takes for each other"""
_ALIKE = (frozenset(("id", "ms")), frozenset(("hr", "bs", "sr")), frozenset(("da", "no")))
"""languages that it cannot tell from each other"""


def foreign(text: str, wanted: Tag, likely: str = "", before: str | None = None) -> tuple[str, bool]:
    """How a text is written where it is not as it should be ("written in English (en)"), and if it is sure.

    `likely` is the language that it may have been written in instead; `before` is a text whose words may
    stand in it.
    """
    weighed = weights(text)
    whole = sum(weighed.values())
    if whole < LETTERS:
        return "", False
    if wrong := _script(text, weighed, wanted, before):
        return wrong, True
    wrong, sure = _chinese(text, wanted)
    return (wrong, sure) if wrong or likely == wanted.language else _letters(text, whole, likely, wanted)


def _script(text: str, weighed: Mapping[str, int], target: Tag, before: str | None) -> str:
    whole = sum(weighed.values())
    if target.language in ("zh", "yue", "ja"):
        eastern = weighed.get("Hani", 0) + weighed.get("Kana", 0)
        kana = weighed.get("Kana", 0)
        if target.script == "Hani" and kana > max(12, 0.25 * eastern):
            return "Japanese"
        if target.script == "Kana" and not kana and (eastern > 2 * LETTERS or not_japanese(text)):
            return "Chinese"
    right = sum(weighed.get(script, 0) for script in scripts_of(target))
    if target.script == "Hang":
        right = weighed.get("Hang", 0)
    share = _LEAST_SHARE if target.script != "Latn" else 0.4
    if right >= share * whole:
        return ""
    most = max(weighed, key=lambda script: weighed[script])
    if (
        most == "Latn"
        and not has_small_words(text)
        and (right or before is None or not set(words(text)) - set(words(before)))
    ):
        return ""  # names
    return f"written in another script ({most})"


def has_small_words(text: str) -> bool:
    """Whether more than names stand there."""
    return sum(word.islower() and len(word) > 1 for word in words(text)) >= 3


def _chinese(text: str, target: Tag) -> tuple[str, bool]:
    """Simplified where Traditional is asked for, or the other way round."""
    if not target.chinese:
        return "", False
    simplified, traditional = chinese_of(text)
    wrong, right = (traditional, simplified) if target.chinese == "Hans" else (simplified, traditional)
    name = "Traditional" if target.chinese == "Hans" else "Simplified"
    return (f"written in {name} Chinese" if wrong > 1 else ""), wrong > 0.2 * (wrong + right)


def _letters(text: str, whole: int, likely: str, target: Tag) -> tuple[str, bool]:
    """Told by a model of letters, among languages of one script: what is wrong, and whether it is sure."""
    if target.script in ("Hani", "Kana", "Hang"):
        return "", False
    if best(text) == target.language:
        return "", False
    fits = dict(ranking(text))
    fit = fits.get(target.language)
    if fit is None:
        return "", False
    for language, other in fits.items():
        if other - fit < _BETTER["likely"][0]:
            break  # the best come first
        if any({language, target.language} <= group for group in _ALIKE):
            continue
        if language == likely:
            kind = "likely"
        elif language in KNOWN:
            kind = "near" if near(language, target.language) else "other"
        else:
            continue
        hint, sure = _BETTER[kind]
        if other - fit > hint:
            return f"written in {named(language)}", other - fit > sure and whole >= _MANY
    return "", False


def near(one: str, other: str) -> bool:
    """Whether a model of letters takes one language for the other."""
    return any({one, other} <= group for group in _NEAR)


def not_japanese(text: str) -> str:
    """The Chinese characters of a text that Japanese is not written with."""
    if text.isascii():
        return ""
    return "".join(sign for sign in text if script_of(sign) == "Hani" and not sign.encode("cp932", "ignore"))


def alien(text: str, source: str, target: Tag) -> str:
    """A script of a text that neither the target nor the source text has; '' where there is none."""
    expected = scripts_of(target) | {"Latn", "Grek"}
    if weights(text).keys() <= expected:
        return ""
    found = [script for script, count in scripts(text).items() if script not in expected and count > 1]
    return next((script for script in found if script not in scripts(source)), "")
