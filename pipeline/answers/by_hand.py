"""What a person wrote or accepted stands in the place of an answer; then nothing is asked.

Where no answer of a model is accepted, its failure says what a person can decide: which row it is, and what
was asked. This module does not know where a person writes.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from pipeline.answers.asking import Taken
from pipeline.answers.written import Told
from pipeline.core.domain import Rejected
from pipeline.wire.conversation import Conversation


async def or_by_hand(
    told: Told,
    step: str,
    place: str,
    asked: Conversation,
    reading: tuple[Callable[[str], str], Callable[[str], Taken]],
    ask: Callable[[], Awaitable[Taken]],
) -> Taken:
    """The text that a person decided on; else what `ask` brings.

    `reading` says why a text cannot be an answer ('' where it can), and makes the step's value of it.
    """
    misfit, read = reading
    text = told.by_hand(step, place, asked, misfit)
    if text is not None:
        return read(text)
    try:
        return await ask()
    except Rejected as fault:
        raise fault.but(place=place, asked=asked.digest) from None
