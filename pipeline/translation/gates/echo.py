"""An answer that is the source again. Names, addresses and names of products may stay as they are."""

from __future__ import annotations

import re
from collections.abc import Iterator

from pipeline.core.document import Finding
from pipeline.text.language import tag
from pipeline.text.prose.words import words
from pipeline.text.scripts import weight, weights
from pipeline.translation.gates._words import kept_out
from pipeline.translation.kept import shown
from pipeline.translation.question import Question

_SIGNS = re.compile(r"[\W_]+")
_LETTERS, _WORDS = 15, 3
"""the least weight of letters, or the least words, of which a language can be told"""
_FOREIGN = 6
"""the same for letters of a script that the target is not written in"""
_EAST = {"Hani", "Kana"}


def findings(question: Question, answer: str) -> Iterator[Finding]:
    """Whether an answer has the letters of the source, and the source has words to translate."""
    if _plain(question.segment.text) != _plain(answer):
        return
    source, target = tag(question.source), tag(question.target)
    if source.language == target.language and source.language:
        return  # Simplified and Traditional, British and American: much is equal, and another gate tells them
    left = kept_out(shown(question.segment), question.terms)
    if source.script not in ("Latn", target.script) and not {source.script, target.script} <= _EAST:
        if weights(left).get(source.script, 0) >= _FOREIGN:
            yield _finding()
        return
    found = words(left)
    small = sum(word.islower() or not word.isascii() for word in found)
    if weight(left) >= _LETTERS and small and len(found) > 1:
        yield _finding()
    elif small >= 2:
        yield _finding(hard=len(found) >= _WORDS)


def _finding(*, hard: bool = True) -> Finding:
    return Finding("echo", "You gave the source text back. Translate it.", hard)


def _plain(text: str) -> str:
    return _SIGNS.sub(" ", text.casefold()).strip()
