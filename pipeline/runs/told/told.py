"""What a run tells its steps about rows, besides the values in them.

This module does not know what a step does with it.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from pipeline.runs.told.by_hand import ByHand
from pipeline.wire.conversation import Conversation


class Told:
    """Answers by people, and near duplicates among the answers of the run."""

    def __init__(self, folder: Path) -> None:
        self.hand = ByHand(folder)

    def near(self, step: str, place: str, text: str) -> tuple[str, ...]:
        """Answers of other rows that this answer is nearly equal to."""
        return ()

    def by_hand(self, step: str, place: str, asked: Conversation, misfit: Callable[[str], str]) -> str | None:
        """What a person wrote or accepted in the place of an answer to this; None where nobody did."""
        return self.hand.text(step, place, asked, misfit)
