"""How long a translation is: bands for pairs of languages, in bytes of the words, and what is outside them.

Measured pairs stand in `bands.toml`. Others are composed of the lengths of the two languages against English.
This module does not know formats.
"""

from __future__ import annotations

import math
import tomllib
from functools import cache, lru_cache
from pathlib import Path
from typing import Literal

from pipeline.core.domain import frozen
from pipeline.text.language import Tag, tag
from pipeline.translation.kept import shown, shown_of
from pipeline.translation.question import Question

_FILE = Path(__file__).with_name("bands.toml")
_WIDER = 1.15
"""how much wider than measured a band is where an answer is never written: other texts are other"""
_SLACK_HARD, _SLACK_SOFT = 60, 30
"""bytes beyond the band that are no sign: short texts have no typical length"""
Verdict = Literal["", "soft", "hard"]


@frozen
class Band:
    """The bytes of a translation for each byte of its source."""

    least: float
    """one in a thousand has less"""
    low: float
    """one in a hundred has less"""
    high: float
    most: float


@cache
def _table() -> dict[str, dict[str, object]]:
    return tomllib.loads(_FILE.read_text("utf-8"))


@cache
def band(source: Tag, target: Tag) -> Band:
    """The band of a pair: measured, the inverse of a measured one, or composed through English."""
    pairs = _table()["pairs"]
    one, two = source.language, target.language
    if one == two:
        return Band(0.6, 0.75, 1.35, 1.7)
    for pair, inverse in ((f"{one}-{two}", False), (f"{two}-{one}", True)):
        found = pairs.get(pair)
        if isinstance(found, list):
            least, low, _, high, most = found
            return Band(1 / most, 1 / high, 1 / low, 1 / least) if inverse else Band(least, low, high, most)
    middle = _against_english(target) / _against_english(source)
    low, wide = math.exp(0.62), math.exp(1.05)
    return Band(middle / wide, middle / low, middle * low, middle * wide)


@cache
def _against_english(language: Tag) -> float:
    """The usual bytes of a text in this language for each byte of the same text in English."""
    found = _table()["languages"].get(language.language)
    if found is None or (language.script == "Latn" and language.language == "sr"):
        found = _table()["scripts"].get(language.script, 2.4)
    return float(found) if isinstance(found, int | float) else 1.0


def too_long(question: Question, answer: str) -> Verdict:
    """Whether an answer has more words than a translation has."""
    before, after, of = _measured(question, answer)
    if after > of.most * _WIDER * before + _SLACK_HARD * _unit(question.target):
        return "hard"
    return "soft" if after > of.high * before + _SLACK_SOFT * _unit(question.target) else ""


def too_short(question: Question, answer: str) -> Verdict:
    """Whether an answer has fewer words than a translation has."""
    before, after, of = _measured(question, answer)
    enough = before - _SLACK_SOFT * _unit(question.source)
    if after < of.least / _WIDER * enough:
        return "hard"
    return "soft" if after < of.low * enough else ""


def _unit(name: str) -> float:
    """The bytes that say what one byte of English says."""
    return _against_english(tag(name))


@lru_cache(2)
def _measured(question: Question, answer: str) -> tuple[int, int, Band]:
    before, after = shown(question.segment), shown_of(question.segment, answer)
    return _bytes(before), _bytes(after), band(tag(question.source), tag(question.target))


def _bytes(text: str) -> int:
    return len(" ".join(text.split()).encode("utf-8", "surrogatepass"))
