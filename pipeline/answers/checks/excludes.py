"""Whether an answer is free of the words it must not have.

A word is found as a whole word ("art" is not in "start"); in scripts without spaces it is found anywhere.
Upper and lower case, kinds of quotes and markup make no difference. What has no letters is found as it is.
"""

from __future__ import annotations

from pydantic import RootModel

from pipeline.answers.written import Written
from pipeline.job.fields import Texts
from pipeline.text.prose.phrases import has_words


class Options(RootModel[Texts]):
    """One word or phrase, or several; other forms of a word are other words (or use `regex`)."""


def complaint(written: Written, options: Options) -> str | None:
    found = [text for text in options.root if has_words(written.text, text)]
    listed = " or ".join(f'"{text}"' for text in found)
    return f"Your answer must not contain {listed}. Write it again." if found else None
