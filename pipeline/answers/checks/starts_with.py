"""Whether the first line of an answer has a text that it must have.

Upper and lower case, spaces, kinds of quotes and markup make no difference. A line is a paragraph; where the
answer begins with a title, the line below it is a first line, too.
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
    return complaint_of(edges(written.text)[0], options.root, "first")
