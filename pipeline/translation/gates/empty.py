"""An answer without a word, or with characters that belong in no text."""

from __future__ import annotations

import re
from collections.abc import Iterator

from pipeline.core.document import Finding
from pipeline.translation.question import Question

_ODD = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ufffd\ud800-\udfff\ufdd0-\ufdef\ufffe\uffff]")
"""control characters, the sign for what could not be read, halves of characters"""


def findings(question: Question, answer: str) -> Iterator[Finding]:
    """Whether anything stands there, and nothing that no file should hold."""
    source = question.segment.text
    if not any(map(str.isalnum, answer)) and any(map(str.isalnum, source)):
        yield Finding("empty", "Your translation is empty. Translate it.")
    odd = sorted(set(_ODD.findall(answer)) - set(source))
    if odd:
        named = ", ".join(f"U+{ord(sign):04X}" for sign in odd[:5])
        yield Finding(
            "characters", f"Your translation has characters that no text has: {named}. Leave them out."
        )
