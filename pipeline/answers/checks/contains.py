"""Whether an answer has all the words it must have."""

from __future__ import annotations

from pydantic import RootModel

from pipeline.answers.written import Written
from pipeline.job.fields import Texts


class Options(RootModel[Texts]):
    """One text or several; upper and lower case count as the same."""


def complaint(written: Written, options: Options) -> str | None:
    """What is wrong with the answer, said to the model."""
    missing = [text for text in options.root if text.casefold() not in written.text.casefold()]
    return f"Your answer must contain {_listed(missing)}. Write it again." if missing else None


def _listed(texts: list[str]) -> str:
    return " and ".join(f'"{text}"' for text in texts)
