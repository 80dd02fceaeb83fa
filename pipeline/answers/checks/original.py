"""Whether an answer is written in words of its own, and not copied from sources or another column.

Copies that were lightly edited count, and several short ones together. A quotation is a copy, too.
"""

from __future__ import annotations

from pydantic import Field

from pipeline.answers.written import Written
from pipeline.job.fields import Share, Spec, Texts
from pipeline.text.prose.overlap import overlap

_WORDS, _CHARACTERS = 5, 8
"""the least that is a copy: words, or characters where a script sets no blanks"""
_SHOWN = 80


class Options(Spec):
    """The texts that an answer must not be copied from."""

    of: Texts = Field(min_length=1, description='templates for the texts: ["{{ source }}"]')
    most: Share = Field(0.5, description="the share of the answer that may be in the texts word by word")


def complaint(written: Written, options: Options) -> str | None:
    found = overlap(written.text, options.of, _WORDS, _CHARACTERS)
    if found.share <= options.most:
        return None
    passage = " ".join(found.longest.split())[:_SHOWN]
    copied = f'is not original: {found.share:.0%} of it is copied, such as "{passage}"'
    return f"Your answer {copied}; at most {options.most:.0%} may be. Write it in your own words."
