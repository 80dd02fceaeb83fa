"""The user's own checks: functions `check_NAME` in a file under `plugins`, each with its options."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

from pydantic import Field, RootModel

from pipeline.answers.written import Written

_LONGEST = 2_000
"""characters of a complaint that the model is told"""


class Options(RootModel[dict[str, Any]]):
    """The options of each by its name: {no_ads: true, house_words: {max: 3}}."""

    root: dict[str, Any] = Field(min_length=1)


def complaint(written: Written, options: Options) -> str | None:
    """What the first of them says that finds something."""
    for name, given in options.root.items():
        check = written.own[name]
        said = check(written, {} if given is True else deepcopy(given))  # a row must not change another's
        if said is not None and not isinstance(said, str):
            kind = type(said).__name__
            raise check.fault(f"{check.file}: check_{name} gave a {kind}: it must give a text, or None")
        found = str.encode(said or "", "utf-8", "replace").decode().strip()  # of a class of texts, the text
        if found:
            return found[:_LONGEST]
    return None
