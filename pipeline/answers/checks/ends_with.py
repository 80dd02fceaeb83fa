"""Whether the last line of an answer has a text that it must have.

Upper and lower case, spaces, kinds of quotes and markup make no difference.
A line is a paragraph.
"""

from __future__ import annotations

from pydantic import RootModel

from pipeline.answers.written import Written
from pipeline.job.fields import Texts
from pipeline.text.prose.phrases import edges, phrase


class Options(RootModel[Texts]):
    """One text, or several of which one is enough."""


def complaint(written: Written, options: Options) -> str | None:
    """What is wrong with the answer, said to the model."""
    _, last = edges(written.text)
    wanted = list(filter(None, options.root))
    if not wanted or any(phrase(text) in last for text in wanted):
        return None
    listed = " or ".join(f'"{text}"' for text in wanted)
    return f"Your answer must have {listed} in its last line, word for word. Write it again."
