"""What is wrong with a translation: all gates in their order; and what can be put right without asking.

This module does not know formats or models. A document finds what is wrong with its structure itself.
"""

from __future__ import annotations

from collections.abc import Collection
from unicodedata import is_normalized, normalize

from pipeline.core.document import Finding
from pipeline.text.notation import unescaped, unwrapped
from pipeline.translation.gates import (
    addresses,
    echo,
    empty,
    ending,
    language,
    leakage,
    length,
    lines,
    notation,
    numbers,
    placeholders,
    preamble,
    refusal,
    repetition,
    tags,
    terms,
)
from pipeline.translation.question import Question

_GATES = (
    *(
        empty,
        refusal,
        preamble,
        notation,
        echo,
        language,
        leakage,
        length,
        placeholders,
        addresses,
        tags,
        terms,
    ),
    *(lines, repetition, numbers, ending),
)
"""from what makes the others pointless to what is a hint"""
_ALONE = {"empty", "refusal", "echo"}
"""codes behind which nothing else is said: the rest follows from them"""
CODES = (
    *("empty", "characters", "refusal", "preamble", "echo", "language", "leakage", "length", "truncation"),
    *(
        "placeholders",
        "plural",
        "icu",
        "links",
        "new_links",
        "tags",
        "new_tags",
        "code",
        "terms",
        "lines",
        "notation",
    ),
    *("repetition", "numbers", "ending", "opening"),
)
"""the codes of all findings, for options that allow some of them"""
_WITH = {"new_links": ("new_links", "new_tags")}
"""what is allowed together: a link may be written as a tag"""
_QUOTES = {'"': '"', "“": "”", "„": "“", "«": "»", "「": "」", "『": "』", "'": "'", "‘": "’", "”": "”"}


def findings(question: Question, answer: str) -> list[Finding]:
    """Everything that the gates find wrong with an answer, as it would be written."""
    found: list[Finding] = []
    for gate in _GATES:
        if more := list(gate.findings(question, answer)):
            found += more
            if any(finding.code in _ALONE and finding.hard for finding in more):
                break
    return found


def findings_but(question: Question, answer: str, allow: Collection[str]) -> list[Finding]:
    """The findings whose codes are not allowed."""
    allowed = {code for name in allow for code in _WITH.get(name, (name,))}
    return [finding for finding in findings(question, answer) if finding.code not in allowed]


def mended(question: Question, answer: str) -> str:
    """The answer without a wrapper that the source has not, composed as the source is, spaced as it is."""
    source = question.segment.text
    bare = unwrapped(source, answer).strip()
    if not preamble.FENCE.match(source):
        fenced = preamble.FENCE.match(bare)
        bare = fenced[2].strip() if fenced else bare
    if preamble.is_headed(bare, source):
        bare = preamble.HEAD.sub("", bare, count=1)
        fenced = preamble.FENCE.match(bare)
        bare = fenced[2].strip() if fenced else bare
    bare = unescaped(source, _unquoted(source.strip(), unwrapped(source, bare).strip()))
    if is_normalized("NFC", source):
        bare = normalize("NFC", bare)
    words = source.strip()
    if not words:
        return source
    before, _, behind = source.partition(words)
    return f"{before}{bare}{behind}"


def _unquoted(source: str, bare: str) -> str:
    """Without quotes round the whole, where the source has no quote at either end."""
    closing = _QUOTES.get(bare[:1])
    if closing is None or len(bare) < 3 or bare[-1] != closing:
        return bare
    if source[:1] in _QUOTES or source[-1:] in _QUOTES.values():
        return bare
    inner = bare[1:-1]
    return bare if bare[0] in inner or closing in inner else inner.strip()
