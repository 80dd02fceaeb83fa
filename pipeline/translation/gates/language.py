"""The language and the script of an answer, where it has letters enough to tell."""

from __future__ import annotations

from collections.abc import Iterator

from pipeline.core.document import Finding
from pipeline.text.language import named, tag
from pipeline.text.prose.foreign import foreign
from pipeline.translation.gates._words import kept_out
from pipeline.translation.kept import shown_of
from pipeline.translation.question import Question


def findings(question: Question, answer: str) -> Iterator[Finding]:
    """Whether an answer is written as the target is."""
    text = kept_out(shown_of(question.segment, answer), question.terms)
    source = tag(question.source).language
    wrong, hard = foreign(text, tag(question.target), source, question.segment.text)
    if wrong:
        message = f"Your translation is {wrong}. Write it in {named(question.target)}."
        yield Finding("language", message, hard)
