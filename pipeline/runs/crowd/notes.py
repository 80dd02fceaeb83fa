"""What a run tells its steps: which texts of a row are nearly equal to answers of other rows.

The notes are made from the journal and the input again in every command. This module does not make them.
"""

from __future__ import annotations

from pipeline.answers.written import NOTHING, Near, Told


class Notes:
    """Tells what was found; what people wrote is told by `others`."""

    def __init__(self, others: Told = NOTHING) -> None:
        self.by_hand = others.by_hand
        self._near: dict[tuple[str, str], tuple[Near, ...]] = {}

    def near(self, step: str, place: str) -> tuple[Near, ...]:
        return self._near.get((step, place), ())

    def add(self, step: str, place: str, near: Near) -> bool:
        """One more text; False where it is known, and then the first note stands."""
        known = self.near(step, place)
        if any(one.about == near.about for one in known):
            return False
        self._near[step, place] = (*known, near)
        return True

    def clear(self) -> None:
        """Begin anew, because answers of the journal are no longer used."""
        self._near.clear()
