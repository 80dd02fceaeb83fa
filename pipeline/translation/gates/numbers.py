"""Numbers in the spelling of any country and any script: a hint only, for words are usual too."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from unicodedata import digit

from pipeline.core.document import Finding
from pipeline.text.prose.spoken import prose
from pipeline.translation.gates._counts import named
from pipeline.translation.question import Question

_NUMBER = re.compile(r"\d+(?:[.,'’\u00a0\u202f\u066b\u066c ]\d+)*")
_IN_WORDS = 31
"""up to here a number is often a word, a month or a day"""
_ROUND = re.compile(r"^\d{1,4}0000*$")
_UNITS = "万萬亿億만억千百月日年"
"""units and dates of the East, by which a number stands in another form"""


def findings(question: Question, answer: str) -> Iterator[Finding]:
    """Numbers of the source that the answer has in no spelling."""
    source = question.segment.text
    wanted = _numbers(source)
    lost = wanted - _numbers(answer) if wanted else wanted
    if not lost:
        return
    digits = "".join(sorted(_digits(answer)))
    if digits == "".join(sorted(_digits(source))):
        return
    whole = _digits(answer)
    new = _numbers(answer) - wanted
    gone = [number for number in sorted(lost) if number not in whole]
    if not new or any(sign in source or sign in answer for sign in _UNITS):
        gone = [number for number in gone if int(number[:20]) > _IN_WORDS and not _ROUND.match(number)]
    if gone:
        message = f"Your translation lost the numbers {named(gone)}. Keep all numbers."
        yield Finding("numbers", message, hard=False)


def _numbers(text: str) -> Counter[str]:
    return Counter(_digits(found).lstrip("0") or "0" for found in _NUMBER.findall(prose(text)))


def _digits(text: str) -> str:
    """The digits alone, as ASCII: `1.000` and `1,000` and `１ ０００` are one number."""
    if text.isascii():
        return "".join(filter(str.isdigit, text))
    return "".join(str(digit(sign)) for sign in text if sign.isdecimal())
