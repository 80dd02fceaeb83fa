"""An answer without a word, or with characters that belong in no text."""

from __future__ import annotations

import re
from collections.abc import Iterator

from pipeline.core.document import Finding
from pipeline.text.prose.spoken import PLACEHOLDER
from pipeline.text.scripts import weight
from pipeline.translation.kept import shown
from pipeline.translation.question import Question

_ODD = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ufffd\ud800-\udfff\ufdd0-\ufdef\ufffe\uffff\u202d\u202e\ufeff]"
)
"""control characters, the sign for what could not be read, halves of characters, signs that turn a text"""
_LETTERS = 6


def findings(question: Question, answer: str) -> Iterator[Finding]:
    """Whether anything stands there, and nothing that no file should hold."""
    source = question.segment.text
    left = weight(shown(question.segment))
    bare = PLACEHOLDER.sub(" ", answer) if "{" in answer or "%" in answer else answer
    if left and not any(map(str.isalnum, bare)):
        hard = left >= _LETTERS or not answer.strip()  # a dash may stand for "none", a full stop for "th"
        yield Finding("empty", "Your translation is empty. Translate it.", hard)
    odd = sorted(set(_ODD.findall(answer)) - set(source))
    if odd:
        named = ", ".join(f"U+{ord(sign):04X}" for sign in odd[:5])
        yield Finding(
            "characters", f"Your translation has characters that no text has: {named}. Leave them out."
        )
