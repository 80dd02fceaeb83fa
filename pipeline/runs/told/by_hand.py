"""What people decided about rows: read from the files that they edit, and checked before it is used.

A decision is bound to what was asked when it was made. Where that has changed, it is not used. This module
does not know how rows get into the files (`review.py`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from pipeline.answers.complaints import to_a_person
from pipeline.answers.shapes.shape import Shape
from pipeline.core.display import counted
from pipeline.engine.stages import Stage
from pipeline.output import review
from pipeline.output.review import DECISIONS, REVIEW, Mark
from pipeline.wire.conversation import Conversation

_YES = frozenset({"yes", "y", "x", "true", "1", "ok", "ja", "oui", "sí", "si", "是"})
_SHORT = 25
"""characters below which a changed text needs a yes, too: spreadsheets change numbers and dates, too"""
_CELL = 32_767
"""the most characters of a cell in a spreadsheet; a longer text is cut off there"""
_STRAIGHT = str.maketrans({"“": '"', "”": '"', "„": '"'})
STALE = "not used: the prompt of this row has changed since"


@dataclass(frozen=True, slots=True)
class Decision:
    """A row that a person has touched; with a `problem` it is not used."""

    row: Mapping[str, str]
    mark: Mark
    text: str
    problem: str


class ByHand:
    """The decisions about the rows of a job, by the row and by what was asked."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.remarks: list[str] = []
        """what is wrong in the files, each with its place"""
        self.used: set[Mark] = set()
        self.stale: set[Mark] = set()
        self._shapes: Mapping[str, Shape | None] = {}
        self._found: dict[str, dict[str, Decision]] = {}

    def read(self, stages: Sequence[Stage]) -> None:
        """Read both files; `InputError` for one that cannot be relied on."""
        self._shapes = {stage.spec.name: stage.runner.shape for stage in stages}
        for name in (DECISIONS, REVIEW):  # where both have a row, it was touched again
            for where, row, mark in review.read(self._folder / name):
                self._add(Path(where).name, row, mark)

    def again(self) -> ByHand:
        """The same with what the files hold now, because people may have written while the run went on."""
        now = ByHand(self._folder)
        now._shapes, now.used, now.stale = self._shapes, self.used, self.stale
        now._found = {place: dict(found) for place, found in self._found.items()}
        for name in (DECISIONS, REVIEW):
            for where, row, mark in review.read(self._folder / name):
                now._add(Path(where).name, row, mark)
        return now

    def _add(self, where: str, row: Mapping[str, str], mark: Mark) -> None:
        text = row.get("answer", "").strip()
        accept = row.get("accept", "").strip().casefold()
        edited = bool(text) and review.text_digest(text) != mark.best
        if len(text.encode("utf-16-le")) // 2 == _CELL:
            what = f"the text has {_CELL:,} characters, where spreadsheets cut it off; use a text editor"
            self.remarks.append(f"{where}: {what}")
            return
        if not edited and not accept:
            return
        text, problem = self._judged(row.get("step", ""), text, accept)
        if problem:
            self.remarks.append(f"{where}: {problem}")
        self._found.setdefault(mark.place, {})[mark.asked] = Decision(row, mark, text, problem)

    def _judged(self, step: str, text: str, accept: str) -> tuple[str, str]:
        """The text as it is used, and why it is not."""
        if accept and accept not in _YES:
            return text, f"`accept` is '{accept[:20]}', so it is not taken; `yes` takes it"
        if not text:
            return text, "there is no answer to accept"
        if not accept and len(text) < _SHORT:
            return text, "a short text that was changed is taken only with `yes` in `accept`"
        shape = self._shapes.get(step.partition(" ")[0])
        misfit = shape.read(text)[1] if shape else ""
        if shape and misfit and not shape.read(straight := text.translate(_STRAIGHT))[1]:
            return straight, ""
        return text, to_a_person(misfit)

    def text(self, step: str, place: str, asked: Conversation) -> str | None:
        """What a person decided on for a row; None where nobody did, or where it is not to be used."""
        if not self._found or not (found := self._found.get(review.place_digest(step, place))):
            return None
        now = asked.digest
        self.stale.update(one.mark for one in found.values() if one.mark.asked != now and not one.problem)
        decision = found.get(now)
        if decision is None or decision.problem:
            return None
        self.used.add(decision.mark)
        return decision.text

    def about(self, mark: Mark) -> Decision | None:
        """What a person wrote for a row, though it is not used."""
        return self._found.get(mark.place, {}).get(mark.asked)

    @property
    def all(self) -> list[Decision]:
        """All of them, in the order in which they were read."""
        return [one for found in self._found.values() for one in found.values()]

    def said(self) -> list[str]:
        """What is wrong in the files, and what could not be used."""
        stale = counted(len(self.stale), "decision")
        was = "is" if len(self.stale) == 1 else "are"
        told = f"{stale} {was} not used: the prompts have changed since ({DECISIONS} says which)"
        return [*self.remarks, *([told] if self.stale else [])]
