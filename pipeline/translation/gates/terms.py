"""Terms of a glossary: translated as it says, kept where it says so, and never as it forbids."""

from __future__ import annotations

import re
from collections.abc import Iterator

from pipeline.core.document import Finding
from pipeline.translation.gates._words import standing
from pipeline.translation.question import Question, Term

_ENDING = 4
"""the most letters by which a form of a word may differ from the glossary's"""


def findings(question: Question, answer: str) -> Iterator[Finding]:
    """Terms that the answer has not, and translations that are forbidden."""
    left = _outside(question)
    for term in sorted(question.terms, key=lambda term: -len(term.source)):
        if not term.source:
            continue
        left, count = standing(term.source, term.case).subn(
            " ", left
        )  # a longer term hides shorter ones in it
        wanted = term.source if term.keep else term.target
        if count and wanted:
            yield from _missing(term, wanted, answer)
        yield from _forbidden(term, wanted, answer)


def _outside(question: Question) -> str:
    """The source without its opaque parts: what stands there is not translated."""
    text = question.segment.text
    for start, end in reversed(question.segment.opaque):
        text = f"{text[:start]} {text[end:]}"
    return text


def _missing(term: Term, wanted: str, answer: str) -> Iterator[Finding]:
    if standing(wanted, term.case).search(answer):
        return
    if term.keep:
        yield Finding("terms", f"Your translation lost the name {wanted}. Keep them exactly as they are.")
        return
    message = f"Your translation must say {wanted} for {term.source}. Use the glossary."
    yield Finding("terms", message, hard=not term.inflected and not _other_form(wanted, answer))


def _other_form(wanted: str, answer: str) -> bool:
    """Whether the term stands there with another ending, as most languages need it."""
    stem = wanted[: max(3, len(wanted) - 2)] if wanted[-1:].isalpha() else wanted
    return bool(re.search(rf"(?<![^\W_]){re.escape(stem)}\w{{0,{_ENDING + 2}}}(?!\w)", answer, re.IGNORECASE))


def _forbidden(term: Term, wanted: str, answer: str) -> Iterator[Finding]:
    rest = standing(wanted, False).sub(" ", answer) if wanted else answer
    for bad in filter(None, term.forbidden):
        if standing(bad, term.case).search(rest):
            instead = f", but {wanted}" if wanted else ""
            message = f"Your translation must not say {bad} for {term.source}{instead}. Use the glossary."
            yield Finding("terms", message)
