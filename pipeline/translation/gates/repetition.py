"""Words, phrases and ends that stand twice: models fall into loops."""

from __future__ import annotations

from collections.abc import Iterator

from pipeline.core.document import Finding
from pipeline.text.language import tag
from pipeline.text.prose.repeats import USUAL, again, doubled, loop, twice
from pipeline.translation.kept import shown, shown_of
from pipeline.translation.question import Question

_ENOUGH = 20_000
"""the characters of a text in which repeated phrases are looked for"""
_SHARE, _HARD_SHARE = 0.15, 0.3
"""the share of phrases that stand again, beyond that of the source"""


def findings(question: Question, answer: str) -> Iterator[Finding]:
    """A loop at the end or all over (hard), and words that stand twice side by side (soft)."""
    before = shown(question.segment)[:_ENOUGH]
    after = shown_of(question.segment, answer)[:_ENOUGH]
    tail = loop(answer[-_ENOUGH:])
    if tail and not loop(question.segment.text[-_ENOUGH:]):
        yield _finding(tail, hard=True)
        return
    if doubled(after) and not doubled(before):
        yield _finding(after, hard=True)
        return
    more = again(after)
    if more > _SHARE and (more := more - again(before)) > _SHARE:
        yield _finding("many phrases", hard=more > _HARD_SHARE)
        return
    usual = USUAL.get(tag(question.target).language, frozenset())
    found = twice(answer[:_ENOUGH], usual)
    if found and not twice(question.segment.text[:_ENOUGH], usual):
        yield _finding(found, hard=False)


def _finding(what: str, *, hard: bool) -> Finding:
    return Finding("repetition", f"Your translation repeats {what.strip()[:60]}. Write it again.", hard)
