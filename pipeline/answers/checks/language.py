"""Whether an answer is written in a language, and in its script: in all its parts.

Code, addresses and hashtags do not count. A text of a few words is only rejected for its script.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from pydantic import Field, RootModel, field_validator

from pipeline.answers.written import Written
from pipeline.job.fields import Texts, is_template
from pipeline.text.language import Tag, named, tag, wrong_tag
from pipeline.text.prose.common import is_common
from pipeline.text.prose.foreign import LETTERS, foreign, has_small_words
from pipeline.text.prose.plainly import plainly, plainly_all
from pipeline.text.prose.spoken import spoken
from pipeline.text.scripts import weight, weights

_WINDOW, _WINDOWS = 150, 12
"""the weight of the letters of a part that is looked at by itself, and the most parts"""
_MOST = 0.25
"""the share of a text that may be in another language: quotations, names, titles"""
_PIECE = re.compile(r"[^.!?。！？\n]*[.!?。！？\n]*\s*")
_IN_TWO_SCRIPTS = {"sr": "sr-Latn", "uz": "uz-Cyrl", "az": "az-Cyrl"}
"""languages that are written in another script too, where no script is named"""


class Options(RootModel[Texts]):
    """A tag of a language (de, pt-BR, zh-Hant, sr-Latn), or several of which each will do."""

    root: Texts = Field(min_length=1)

    @field_validator("root")
    @classmethod
    def _are_tags(cls, tags: tuple[str, ...]) -> tuple[str, ...]:
        for name in tags:
            if not is_template(name) and (wrong := wrong_tag(name)):
                raise ValueError(wrong)
        return tags


def complaint(written: Written, options: Options) -> str | None:
    text = spoken(written.text)
    only = tag(options.root[0])
    if only.script == "Latn" and plainly_all(text, only.language):  # most texts, at a fifth of the time
        return None
    whole = weight(text)
    if whole < LETTERS:
        return None
    tags = [tag(name) for one in options.root for name in (one, _IN_TWO_SCRIPTS.get(one.lower(), one))]
    wrong = [(part, how) for part in _parts(text, whole) if (how := _wrong(part, tags))]
    share = sum(weight(part) for part, _ in wrong) / whole
    if share <= _MOST:
        return None
    part, how = wrong[0]
    order = f"Write it in {' or '.join(map(named, options.root[:2]))}."
    if share > 1 - _MOST:
        return f"Your answer is {how}. {order}"
    return f'Your answer is {how} in a part of it: "{" ".join(part.split())[:60]}". {order}'


def _wrong(text: str, tags: list[Tag]) -> str:
    """How a text is written that is in none of the languages, where that is sure."""
    if any(plainly(text, wanted.language) for wanted in tags if wanted.script == "Latn"):
        return ""
    first = ""
    for wanted in tags:
        if is_common(text, wanted.language):
            return ""
        how, sure = foreign(text, wanted, "" if wanted.language == "en" else "en")
        if not (how and sure):
            return ""
        first = first or how
    weighed = weights(text)
    names = max(weighed, key=lambda name: weighed[name]) == "Latn" and not has_small_words(text)
    return "" if names else first


def _parts(text: str, whole: int) -> Iterator[str]:
    """The text in parts of some sentences each; a part ends, too, where another script begins."""
    size = max(_WINDOW, whole // _WINDOWS)
    mixed = sum(count >= LETTERS for name, count in weights(text).items() if name != "Kana") > 1
    density = whole / len(text)
    start, script, has = 0, "", 0.0
    for piece in _PIECE.finditer(text):
        more = (piece.end() - piece.start()) * density
        own = script
        if mixed:
            weighed = weights(piece[0])
            more = sum(weighed.values())
            own = max(weighed, key=lambda name: weighed[name]) if more >= LETTERS else script
            own = "Hani" if own == "Kana" else own
        if has >= size or (script and own != script and has >= LETTERS):
            yield text[start : piece.start()]
            start, has = piece.start(), 0
        script, has = own, has + more
    yield text[start:]
