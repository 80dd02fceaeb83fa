"""Whether an answer is free of the words it must not have."""

from __future__ import annotations

from pydantic import RootModel

from pipeline.answers.written import Written
from pipeline.job.fields import Texts


class Options(RootModel[Texts]):
    """One text or several; upper and lower case count as the same."""


def complaint(written: Written, options: Options) -> str | None:
    """What is wrong with the answer, said to the model."""
    found = [text for text in options.root if text.casefold() in written.text.casefold()]
    listed = " or ".join(f'"{text}"' for text in found)
    return f"Your answer must not contain {listed}. Write it again." if found else None
