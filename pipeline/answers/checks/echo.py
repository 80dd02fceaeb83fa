"""Whether an answer repeats the prompt, or a text of the row, instead of answering.

Names, titles, short quotations and a sentence that the prompt wants may stand in it.
"""

from __future__ import annotations

from pydantic import Field

from pipeline.answers.written import Written
from pipeline.job.fields import Settings, Share, Texts
from pipeline.text.prose.overlap import overlap

_WORDS, _CHARACTERS = 8, 16
"""the least that is repeated: words, or characters where a script sets no blanks"""
_WHOLE, _PIECES = 0.9, 3
"""the share that is an echo in any case; a smaller one is none where fewer pieces are repeated than this"""
_SHOWN = 80


class Options(Settings):
    """What an answer must not repeat."""

    of: Texts = Field(
        (), description='templates for the texts: "{{ text }}"; the prompt where there are none'
    )
    most: Share = Field(0.4, description="the share of the answer that may be repeated")


def complaint(written: Written, options: Options) -> str | None:
    found = overlap(written.text, options.of or (written.prompt,), _WORDS, _CHARACTERS)
    if found.share <= options.most or (found.share < _WHOLE and found.pieces < _PIECES):
        return None
    passage = " ".join(found.longest.split())[:_SHOWN]
    given = f'what you were given: {found.share:.0%} of it stands there already ("{passage}")'
    return f"Your answer repeats {given}. Write what was asked for."
