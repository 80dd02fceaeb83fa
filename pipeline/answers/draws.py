"""Several answers to one prompt: the values of `each` that a step's templates do not read number its draws.

The number is a part of a request's digest and not of its body, so every draw is asked for and paid for once.
This module does not know who asks.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from pipeline.core.domain import Values
from pipeline.templates.template import Template


def drawing(each: Mapping[str, Sequence[Any]], templates: Iterable[Template]) -> tuple[str, ...]:
    """The names in `each` that none of these templates reads: their values only ask once more."""
    read = frozenset[str]().union(*(template.compiled().names for template in templates))
    return tuple(name for name in each if name not in read)


class Draws:
    """Numbers the draws of one step."""

    def __init__(self, each: Mapping[str, Sequence[Any]], templates: Iterable[Template]) -> None:
        names = drawing(each, templates)
        self._places = {name: {str(value): i for i, value in enumerate(each[name])} for name in names}

    def of(self, values: Values) -> str:
        """Which draw these values are: '' for the first, whose request is that of a step without `each`."""
        if not self._places:
            return ""
        places = [str(known.get(str(values.get(name)), 0)) for name, known in self._places.items()]
        while places and places[-1] == "0":
            places.pop()
        return ".".join(places)
