"""Parts of the source that were left in the answer: a word, a sentence, half a paragraph."""

from __future__ import annotations

import re
from collections.abc import Iterator

from pipeline.core.document import Finding
from pipeline.text.language import Tag, ranking, scripts_of, tag
from pipeline.text.prose.foreign import LETTERS, alien, near, not_japanese
from pipeline.text.prose.words import words
from pipeline.text.scripts import script_of, weight
from pipeline.translation.gates._counts import named
from pipeline.translation.gates._words import copied, kept_out
from pipeline.translation.kept import shown, shown_of
from pipeline.translation.question import Question

_ASIDE = re.compile(
    r"[(（\[【「『《〈“\"«'‘][^()（）\[\]【】「」『』《》〈〉“”\"«»'‘’]{1,80}[)）\]】」』》〉”\"»'’]"
)
"""in brackets or quotes: there a name stands as it was"""
_UNSPACED = re.compile(r"[\u3041-\u30ff\u3400-\u9fff]+")
_SOFT_WORDS, _NEAR_WORDS, _HARD_WORDS = 2, 4, 6
"""lower-case words of the source, one behind the other"""
_BETTER = 2.0
"""how much better the source must fit copied words, as a logarithm"""
_SHARE = 0.15
"""the share of the source's script in an answer from which on it is sure"""
_COPIED, _SURE_PIECES = 6, 6
"""characters of a Chinese text that a Japanese one has in one piece, and how many such pieces are sure"""


def findings(question: Question, answer: str) -> Iterator[Finding]:
    """What of the source stands in the answer, and what is of a script of neither language."""
    source, target = tag(question.source), tag(question.target)
    if source.language == target.language:
        return
    before = kept_out(shown(question.segment), question.terms)
    after = kept_out(shown_of(question.segment, answer), question.terms)
    for term in question.terms:
        after = after.replace(term.target, " ") if term.target else after
    foreign = _scripts_left(source, target)
    if foreign:
        yield from _of_script(after, foreign)
    if source.script == "Hani" and target.script == "Kana":
        yield from _pieces(before, after)
    elif "Latn" in (source.script, target.script) or source.script == target.script:
        yield from _runs(before, after, source, target)
    odd = alien(after, question.segment.text, target)
    if odd and odd not in foreign:
        yield _left([f"letters of another script ({odd})"], hard=False)


def _left(found: list[str], *, hard: bool) -> Finding:
    message = f"Your translation has parts that are not translated: {named(found)}. Translate all of it."
    return Finding("leakage", message, hard)


def _scripts_left(source: Tag, target: Tag) -> frozenset[str]:
    """Scripts of the source that the target has not; Latin stands in texts of every language."""
    own = scripts_of(target) if target.script != "Hang" else {"Hang"}
    return scripts_of(source) - own - {"Latn"}


def _of_script(after: str, foreign: frozenset[str]) -> Iterator[Finding]:
    plain = _ASIDE.sub(" ", after)
    found = [run for run in _runs_of(plain, foreign) if len(run) > 1]
    if not found:
        return
    most = max(map(weight, found))
    share = sum(map(weight, found)) / max(1, weight(after))
    hard = most >= LETTERS * 2 or (share > _SHARE and most >= LETTERS)
    yield _left(found, hard=hard)


def _runs_of(text: str, foreign: frozenset[str]) -> Iterator[str]:
    run = ""
    for letter in text if not text.isascii() else "":
        if script_of(letter) in foreign:
            run += letter
        elif run:
            yield run
            run = ""
    if run:
        yield run


def _pieces(before: str, after: str) -> Iterator[Finding]:
    """Long pieces of Chinese in a Japanese text."""
    whole = set()
    for run in _UNSPACED.findall(before):
        whole |= {run[at : at + _COPIED] for at in range(len(run) - _COPIED + 1)}
    found = [
        run[at : at + _COPIED]
        for run in _UNSPACED.findall(after)
        for at in range(len(run) - _COPIED + 1)
        if run[at : at + _COPIED] in whole
    ]
    chinese = not_japanese(after)
    if found or chinese:
        yield _left(found[:1] or [chinese], hard=len(found) > _SURE_PIECES or len(chinese) > 2)


def _runs(before: str, after: str, source: Tag, target: Tag) -> Iterator[Finding]:
    """Words of the source that follow each other as they did there."""
    found, hard = [], False
    for run in copied(words(before), words(after)):
        small = sum(word.islower() and len(word) > 1 for word in run)
        if small < _SOFT_WORDS:
            continue
        same = source.script == target.script
        if same and near(source.language, target.language) and small < _NEAR_WORDS:
            continue
        if same and (not _fits_better(" ".join(run), source.language, target.language)):
            continue
        found.append(" ".join(run))
        hard = hard or small >= _HARD_WORDS
    if found:
        yield _left(found, hard=hard)


def _fits_better(text: str, source: str, target: str) -> bool:
    fits = dict(ranking(text))
    return source in fits and fits[source] > fits.get(target, fits[source]) + _BETTER
