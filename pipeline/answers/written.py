"""What a check looks at, what it says, and what a run tells a step about a row besides its values.

This module knows no check and no model.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import field
from hashlib import sha256
from typing import Any, Protocol

from pipeline.core.domain import Values, frozen
from pipeline.wire.conversation import Conversation

DISTINCT = "distinct"
"""the check that compares the answers of all rows"""


@frozen
class Near:
    """That an answer, or a field of it, is nearly equal to answers of other rows, as the run has found."""

    about: bytes
    """which text that is: see `about`"""
    likeness: float
    """the share of all pairs of words that it has in common with the nearest"""
    others: tuple[str, ...]
    """how those of the other rows begin, the nearest first"""
    openings: tuple[str, ...] = ()
    """first words that too many answers have, its own first if it is one of them"""


def about(text: str, most: float) -> bytes:
    """The name of a text in `Near`, where texts may be `most` alike."""
    return sha256(f"{most}\0{text}".encode("utf-8", "replace")).digest()[:16]


def own_draw(place: str) -> str:
    """The draw of a question that must not be answered as the same question of another row is."""
    return f"~{sha256(place.encode('utf-8', 'replace')).hexdigest()[:12]}"


def is_own(draw: str) -> bool:
    """Whether a draw is a row's own."""
    return "~" in draw


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
    near: tuple[Near, ...] = ()
    """what the run has found about texts of this row, of which this may be one"""
    own: Mapping[str, Any] = field(default_factory=dict, compare=False)
    """the checks of the job's plugins by name, each a `job.code.plugins.Function`"""


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

    def near(self, step: str, place: str) -> tuple[Near, ...]:
        """Which texts of this row are nearly equal to answers of other rows."""

    def by_hand(self, step: str, place: str, asked: Conversation, misfit: Callable[[str], str]) -> str | None:
        """What a person wrote or accepted in the place of an answer to this; None where nobody did.

        `misfit` says why a text cannot be an answer; such a text is not given.
        """


class Nothing:
    """Tells nothing: for walks that are no run."""

    def near(self, step: str, place: str) -> tuple[Near, ...]:
        """None."""
        return ()

    def by_hand(self, step: str, place: str, asked: Conversation, misfit: Callable[[str], str]) -> str | None:
        """Nobody wrote anything."""
        return None


NOTHING = Nothing()


def place_of(key: str, values: Mapping[str, Any], each: Sequence[str]) -> str:
    """The name of a row at a step: the record's key, and the values of `each` so far."""
    return "\0".join((key, *(str(values.get(name)) for name in each))) if each else key


def leaves(value: Any) -> Iterator[Any]:
    """All that stands in a value, in lists and objects too."""
    if isinstance(value, Mapping | list | tuple):
        for inner in value.values() if isinstance(value, Mapping) else value:
            yield from leaves(inner)
    else:
        yield value
