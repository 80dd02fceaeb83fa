"""A mark that an answer must end with: an answer without it is not finished, whatever the server says.

The mark is asked for in plain words, and is no part of the result. This module does not know who asks.
"""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import AfterValidator

from pipeline.job.fields import is_template


def _mark(text: str) -> str:
    if is_template(text) or not re.fullmatch(r"\S.{1,38}\S", text):
        raise ValueError('must be 3 to 40 characters in one line, and no template; for example "[END]"')
    return text


EndMark = Annotated[str, AfterValidator(_mark)]
_AROUND = "*_`"
"""signs that a model may put around the mark"""


class Ending:
    """How one mark is asked for, found and cut off."""

    def __init__(self, mark: str) -> None:
        self._mark = mark

    def asked(self, prompt: str) -> str:
        """The prompt with the order to end with the mark."""
        return (
            f"{prompt}\n\nWhen your answer is complete, end it with {self._mark} and write nothing after it."
        )

    def cut(self, text: str) -> tuple[str, str]:
        """(the answer without the mark, '') or ('', complaint in the second person)."""
        again = f"Write it again, complete, and end it with {self._mark}."
        body, mark, behind = text.rpartition(self._mark)
        around = behind.strip().rstrip(".")
        if not mark or around.strip(_AROUND):
            return "", f"Your answer does not end with {self._mark}, so it may not be complete. {again}"
        body = body.rstrip()
        if body.endswith(around):  # they stand around the mark
            body = body.removesuffix(around).rstrip()
        elif body:  # around more than the mark: a fence or an emphasis that must be closed
            body += ("\n" if behind.lstrip(" ").startswith("\n") else "") + around
        if self._mark in body:
            return "", f"Your answer has {self._mark} before its end. {again}"
        if not body:
            return "", f"Your answer has nothing before {self._mark}. {again}"
        return body, ""

    def marked(self, text: str) -> str:
        """A text without the mark as a model should write it: with the mark behind it."""
        return f"{text.rstrip()}\n{self._mark}"

    def bare(self, text: str) -> str:
        """A text as a person is shown it: without the mark, if it ends with that."""
        return self.cut(text)[0] or text
