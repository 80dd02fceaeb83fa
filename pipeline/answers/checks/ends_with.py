"""Whether the last line of an answer has a text that it must have.

Upper and lower case, spaces, kinds of quotes and markup make no difference.
A line is a paragraph.
"""

from __future__ import annotations

from pydantic import RootModel

from pipeline.answers.checks._edge import complaint_of
from pipeline.answers.written import Written
from pipeline.job.fields import Texts
from pipeline.text.prose.phrases import edges


class Options(RootModel[Texts]):
    """One text, or several of which one is enough."""


def complaint(written: Written, options: Options) -> str | None:
    return complaint_of(edges(written.text)[1], options.root, "last")
