"""Whether an answer is the text alone: not wrapped in a fence, nothing said before it or behind it.

It knows what assistants say in seven languages ("Sure! Here is your post:", "Let me know if …").
"""

from __future__ import annotations

import re

from pipeline.answers.written import Written
from pipeline.job.fields import Settings
from pipeline.text.prose.manners import CLOSING, PREAMBLE
from pipeline.text.prose.phrases import fold

_MOST_LOOKED_AT = 300
"""characters of a line: what is said round a text is short"""
_FENCE = re.compile(r"(`{3,}+|~{3,}+)[^\n`]*+\n")


class Options(Settings):
    """No options: `fences: true`."""


def complaint(written: Written, options: Options) -> str | None:
    text = written.text.strip()
    fence = _FENCE.match(text)
    if fence and text.endswith(fence[1]) and text.count(f"\n{fence[1]}") == 1:
        return "Your answer is wrapped in a code fence. Give the text alone."
    first, _, rest = text.partition("\n")
    if rest and PREAMBLE.match(_small(first)):
        return f'Your answer begins with "{first[:80]}". Give the text alone.'
    last = text.rpartition("\n")[2]
    if "\n" in text and len(last) <= _MOST_LOOKED_AT and CLOSING.search(_small(last)):
        return f'Your answer ends with "{last[:80]}". Give the text alone.'
    return None


def _small(line: str) -> str:
    return fold(line[:_MOST_LOOKED_AT].strip(" *_#>\"'“”"))
