"""An answer that is the source again. Names, addresses and names of products may stay as they are."""

from __future__ import annotations

import re
from collections.abc import Iterator

from pipeline.core.document import Finding
from pipeline.text.language import tag
from pipeline.text.scripts import weight, weights
from pipeline.translation.gates._words import kept_out, words
from pipeline.translation.kept import shown
from pipeline.translation.question import Question

_SIGNS = re.compile(r"[\W_]+")
_LETTERS = 15
"""the least weight of letters of which a language can be told"""


def findings(question: Question, answer: str) -> Iterator[Finding]:
    """Whether an answer has the letters of the source, and the source has words to translate."""
    if _plain(question.segment.text) != _plain(answer):
        return
    source, target = tag(question.source), tag(question.target)
    if source.language == target.language:
        return  # Simplified and Traditional, British and American: much is equal, and another gate tells them
    left = kept_out(shown(question.segment), question.terms)
    if (
        source.script != target.script
        and source.script != "Latn"
        and not {source.script, target.script} <= _EAST
    ):
        repeated = weights(left).get(source.script, 0) >= 2 * 3
        yield from _finding() if repeated else ()
        return
    small = [word for word in words(left) if word.islower() or not word.isascii()]
    if weight(left) >= _LETTERS and (
        len(small) >= 2 or (weight(left) > len(left.encode()) * 0.8 and len(small) > 0)
    ):
        yield from _finding()
    elif len(small) >= 2:
        yield from _finding(hard=False)


_EAST = {"Hani", "Kana"}


def _finding(*, hard: bool = True) -> Iterator[Finding]:
    yield Finding("echo", "You gave the source text back. Translate it.", hard)


def _plain(text: str) -> str:
    return _SIGNS.sub(" ", text.casefold()).strip()
