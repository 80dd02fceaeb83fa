"""The length of an answer, against what people need for a text of this length in these two languages."""

from __future__ import annotations

import re
from collections.abc import Iterator

from pipeline.core.document import Finding
from pipeline.translation.bands import too_long, too_short
from pipeline.translation.gates.ending import lost_end
from pipeline.translation.question import Question

_OPENS = {
    "(": ")",
    "[": "]",
    "{": "}",
    "（": "）",
    "【": "】",
    "「": "」",
    "『": "』",
    "《": "》",
    "“": "”",
    "«": "»",
}
_BRACKETS = re.compile("[" + re.escape("".join([*_OPENS, *_OPENS.values()])) + "]")


def findings(question: Question, answer: str) -> Iterator[Finding]:
    """Too long or too short (hard far outside, soft outside), cut off, or over the place's bound."""
    most = question.segment.most
    if most and len(answer) > most:
        message = (
            f"Your translation has {len(answer)} characters; it may have at most {most}. Write it shorter."
        )
        yield Finding("length", message)
    long, short = too_long(question, answer), too_short(question, answer)
    if long:
        message = "Your translation is much longer than the text. Translate it."
        yield Finding("length", message, long == "hard")
    if short and (lost_end(question, answer) or _unclosed(question.segment.text, answer)):
        yield Finding("truncation", "Your translation ends too early. Translate all of it.")
    elif short:
        message = "Your translation is much shorter than the text. Translate all of it."
        yield Finding("length", message, short == "hard")


def _unclosed(source: str, answer: str) -> bool:
    return _open(answer) and not _open(source)


def _open(text: str) -> bool:
    """Whether a bracket or a quote is not closed."""
    expected: list[str] = []
    for sign in _BRACKETS.findall(text):
        if sign in _OPENS:
            expected.append(_OPENS[sign])
        elif expected and expected[-1] == sign:
            expected.pop()
    return bool(expected)
