"""The language and the script of an answer, where it has letters enough to tell."""

from __future__ import annotations

from collections.abc import Iterator

from pipeline.core.document import Finding
from pipeline.text.language import Tag, chinese_of, is_cased, named, ranking, scripts_of, tag
from pipeline.text.scripts import scripts, weights
from pipeline.translation.gates._words import kept_out, words
from pipeline.translation.kept import shown_of
from pipeline.translation.question import Question

LETTERS = 15
"""the least weight of letters of which a language can be told"""
_MANY = 60
"""the weight from which on a language that is neither of the two is believed"""
_SURE, _SURER = 8.0, 25.0
"""how much better another language must fit, as a logarithm: the source's, and any other"""
_LEAST_SHARE = 0.12
"""the least share of letters in the scripts of the target: names and products stay as they are"""
_NEAR = (
    "da no sv fo is", "cs sk", "hr sr bs sl mk", "es pt gl ca an oc ast eu",
    "id ms jv su", "ru uk be bg mk sr", "nl af li fy de lb nds",
    "it co sc lmo vec scn fr wa", "fi et", "hi mr ne sa", "ar fa ur ps", "zu xh",
)  # fmt: skip
"""languages that a model of letters takes for each other"""


def findings(question: Question, answer: str) -> Iterator[Finding]:
    """Whether an answer is written as the target is."""
    source, target = tag(question.source), tag(question.target)
    text = kept_out(shown_of(question.segment, answer), question.terms)
    weighed = weights(text)
    whole = sum(weighed.values())
    if whole < LETTERS:
        return
    wrong = _script(text, weighed, target) or _chinese(text, target)
    if not wrong and source.language != target.language:
        wrong = _letters(text, whole, source, target)
    if wrong:
        message = f"Your translation is {wrong}. Write it in {named(question.target)}. Translate it."
        yield Finding("language", message)


def _script(text: str, weighed: dict[str, int], target: Tag) -> str:
    whole = sum(weighed.values())
    if target.language in ("zh", "yue", "ja"):
        eastern = weighed.get("Hani", 0) + weighed.get("Kana", 0)
        kana = weighed.get("Kana", 0)
        if target.script == "Hani" and kana > max(12, 0.25 * eastern):
            return "Japanese"
        if target.script == "Kana" and not kana and eastern >= 2 * LETTERS + 6:
            return "Chinese"
    right = sum(weighed.get(script, 0) for script in scripts_of(target))
    if target.script == "Hang":
        right = weighed.get("Hang", 0)
    share = _LEAST_SHARE if target.script != "Latn" else 0.4
    if right >= share * whole:
        return ""
    most = max(weighed, key=lambda script: weighed[script])
    if most == "Latn" and not _has_small_words(text):
        return ""
    return f"written in another script ({most})"


def _has_small_words(text: str) -> bool:
    """Whether more than names stand there."""
    return sum(word.islower() and len(word) > 1 for word in words(text)) >= 3


def _chinese(text: str, target: Tag) -> str:
    written = chinese_of(text) if target.chinese else ""
    if not written or written == target.chinese:
        return ""
    return "written in Simplified Chinese" if written == "Hans" else "written in Traditional Chinese"


def _letters(text: str, whole: int, source: Tag, target: Tag) -> str:
    """Told by a model of letters, among languages of one script."""
    if len(scripts_of(target)) > 1 or target.script in ("Hani", "Kana", "Hang"):
        return ""
    fits = dict(ranking(text))
    fit = fits.get(target.language)
    if fit is None:
        return ""
    if source.script == target.script and fits.get(source.language, fit) - fit > _SURE:
        return f"written in {named(source.language)}"
    best = next(iter(fits))
    near = any({best, target.language} <= set(group.split()) for group in _NEAR)
    if whole >= _MANY and not near and fits[best] - fit > _SURER + 0.05 * whole and is_cased(text):
        return f"not written in {named(target.language)}"
    return ""


def alien(text: str, source: str, target: Tag) -> str:
    """A script of a text that neither the target nor the source text has; '' where there is none."""
    expected = scripts_of(target) | scripts(source).keys() | {"Latn", "Grek"}
    return next(
        (script for script, count in scripts(text).items() if script not in expected and count > 1), ""
    )
