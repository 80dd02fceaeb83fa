"""Whether an answer begins in a way that it must not: a worn-out opening, an assistant's politeness.

It knows the commonest openings of models in seven languages ("In today's fast-paced world", "Certainly!").
"""

from __future__ import annotations

from pydantic import Field

from pipeline.answers.written import Written
from pipeline.job.fields import Settings, Texts
from pipeline.text.plain import plain
from pipeline.text.prose.manners import PREAMBLE, WORN
from pipeline.text.prose.phrases import fold, phrase

_LOOKED_AT = 200


class Options(Settings):
    """The openings that are not wanted; `opening: true` for the usual ones."""

    forbid: Texts = Field((), description="further openings: the words that the answer must not begin with")
    usual: bool = Field(True, description="whether the openings that models write too often are forbidden")


def complaint(written: Written, options: Options) -> str | None:
    first = plain(written.text).lstrip(" \n\t\"'“”„«»「『*¡—-")[:_LOOKED_AT].partition("\n")[0]
    small = fold(first)
    found = any(small.startswith(phrase(text)) for text in options.forbid if text)
    if found or (options.usual and (WORN.match(small) or PREAMBLE.match(small))):
        words = first[:60].rpartition(" ")[0] if len(first) > 60 and " " in first[:60] else first[:60]
        return f'Your answer begins with "{words}", which is not wanted. Begin it in another way.'
    return None
