"""Whether an answer is a refusal, an apology of a model, or a question for what it has not been given.

It knows how models decline in more than twenty languages. It looks at the first words alone: a story in which
somebody apologises, and speech in quotes, are none.
"""

from __future__ import annotations

import re

from pydantic import Field

from pipeline.answers.written import Written
from pipeline.job.fields import Count, Settings
from pipeline.text.prose.declining import asks, declines

_BEGINNING, _SHOWN = 400, 80
"""the characters of an answer that are looked at, and those that are shown"""
_MARKS = re.compile(r"\A(?:[*_#>\s]|<\w[^<>]{0,40}>|(?:Note|Hinweis|Remarque|Nota) ?:)*", re.I)
"""what may stand before the first words"""
_OPENS, _CLOSES = "\"'“„«‹「『‘—–-", "\"'”“»›」』’"


class Options(Settings):
    """How long a refusal may be that says nothing of the model or of the request."""

    short: Count = Field(
        600,
        description='characters of the longest answer that is a refusal by "I am sorry, I cannot help" alone',
    )


def complaint(written: Written, options: Options) -> str | None:
    text = written.text.strip()
    begins = _MARKS.sub("", text[:_BEGINNING], 1)
    if begins[:1] and begins[0] in _OPENS:
        if text[-1] not in _CLOSES or "\n" in text:
            return None  # somebody speaks
        begins = _MARKS.sub("", begins[1:], 1)
    short = len(text) <= options.short
    how = declines(begins)
    if how == "itself" or (how == "sorry" and short) or (how == "bare" and len(text) <= options.short // 6):
        what = "a refusal"
    elif not how and short and asks(begins):
        what = "a question"
    else:
        return None
    return f'Your answer is {what} ("{" ".join(begins[:_SHOWN].split())}"). Write what was asked for.'
