"""What a check looks at, what it says, and what a run tells a step about a row besides its values.

This module knows no check and no model.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

from pipeline.core.domain import Values, frozen
from pipeline.wire.conversation import Conversation


@frozen
class Written:
    """An answer, or one field of it, as a check sees it: decoded, never raw JSON."""

    text: str
    """the text; of a JSON value all texts in it, one on a line"""
    value: Any
    """the decoded value: the text again, or what the JSON holds"""
    values: Values
    """what the step's templates see: columns, values of `each`, earlier answers"""
    prompt: str = ""
    """what the user asked in this conversation, without the system text"""
    near: tuple[str, ...] = ()
    """answers of other rows that this one is nearly equal to, the nearest first, as the run found them"""


@frozen
class Complaint:
    """What a check says of an answer."""

    check: str
    """the name of the check"""
    message: str
    """in the second person, for the model that wrote it: "Your answer …" """
    hard: bool = True
    """whether the answer is rejected; a soft complaint is only told"""
    field: str = ""
    """the field that it is about; '' for the whole answer"""


class Told(Protocol):
    """What a run tells its steps about rows. A row is named by its `place`."""

    def near(self, step: str, place: str, text: str) -> tuple[str, ...]:
        """Answers of other rows that this answer is nearly equal to."""

    def by_hand(self, step: str, place: str, asked: Conversation, misfit: Callable[[str], str]) -> str | None:
        """What a person wrote or accepted in the place of an answer to this; None where nobody did.

        `misfit` says why a text cannot be an answer; such a text is not given.
        """


class Nothing:
    """Tells nothing: for walks that are no run."""

    def near(self, step: str, place: str, text: str) -> tuple[str, ...]:
        """No other answers."""
        return ()

    def by_hand(self, step: str, place: str, asked: Conversation, misfit: Callable[[str], str]) -> str | None:
        """Nobody wrote anything."""
        return None


NOTHING = Nothing()


def place_of(key: str, values: Mapping[str, Any], each: Sequence[str]) -> str:
    """The name of a row at a step: the record's key, and the values of `each` so far."""
    return "\0".join((key, *(str(values.get(name)) for name in each))) if each else key
