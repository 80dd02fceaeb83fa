"""Lines: a blank line is the end of a paragraph, so none is added or lost; a cue keeps all its lines."""

from __future__ import annotations

import re
from collections.abc import Iterator

from pipeline.core.document import Finding
from pipeline.translation.question import Question

_BLANK = re.compile(r"\n[ \t\u3000]*(?=\n)")


def findings(question: Question, answer: str) -> Iterator[Finding]:
    """The number of blank lines, and of lines where a line is more than a place to wrap."""
    source, answer = question.segment.text.strip(), answer.strip()
    before, after = len(_BLANK.findall(source)), len(_BLANK.findall(answer))
    if before != after:
        message = f"Your translation has {after} blank lines, the text has {before}. Keep all line breaks."
        yield Finding("lines", message)
        return
    before, after = source.count("\n"), answer.count("\n")
    if before != after and (question.segment.kind == "cue" or (before > 0 and after > 0)):
        message = f"Your translation has {after + 1} lines, the text has {before + 1}. Keep all line breaks."
        yield Finding("lines", message, hard=question.segment.kind == "cue")
