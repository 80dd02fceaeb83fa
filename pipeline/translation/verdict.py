"""All gates of a translation together."""

from __future__ import annotations

from pipeline.core.document import Finding
from pipeline.translation.question import Question


def findings(question: Question, answer: str) -> list[Finding]:
    """What is wrong with a translation."""
    return [] if answer.strip() else [Finding("empty", "Your translation is empty. Translate the text.")]


def mended(question: Question, answer: str) -> str:
    """The translation, with what can be put right without asking put right."""
    return answer.strip()
