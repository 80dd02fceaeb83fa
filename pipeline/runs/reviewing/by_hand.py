"""What people decided about rows: read from the files that they edit, and checked before it is used.

A decision is bound to what was asked when it was made. Where that has changed, it is not used. This module
does not know how rows get into the files (`review.py`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from pipeline.answers.complaints import to_a_person
from pipeline.answers.written import Near
from pipeline.core.display import counted
from pipeline.output import review
from pipeline.output.review import DECISIONS, REVIEW, Mark
from pipeline.wire.conversation import Conversation

_YES = frozenset({"yes", "y", "x", "true", "1", "ok", "ja", "oui", "sí", "si", "是"})
_SHORT = 25
"""characters below which a changed text needs a yes, too: spreadsheets change numbers and dates, too"""
_CELL = 32_767
"""the most characters of a cell in a spreadsheet; a longer text is cut off there"""
_STRAIGHT = str.maketrans({"“": '"', "”": '"', "„": '"'})


@dataclass(frozen=True, slots=True)
class Decision:
    """A row that a person has touched, and where it stands; with a `problem` it is not used."""

    row: Mapping[str, str]
    mark: Mark
    where: str
    text: str
    problem: str


class ByHand:
    """The decisions about the rows of a job, by the row and by what was asked."""

    def __init__(self, folder: Path) -> None:
        """Read both files; `InputError` for one that cannot be relied on."""
        self._folder = folder
        self.used: set[Mark] = set()
        self.stale: set[Mark] = set()
        self._cut: list[str] = []
        self._found: dict[str, dict[str, Decision]] = {}
        self.reread()

    def reread(self) -> None:
        """Add what the files hold now, because people may have written while the run went on."""
        for name in (DECISIONS, REVIEW):  # where both have a row, it was touched again
            for where, row, mark in review.read(self._folder / name):
                self._add(Path(where).name, row, mark)

    def _add(self, where: str, row: Mapping[str, str], mark: Mark) -> None:
        text, accept = row.get("answer", "").strip(), row.get("accept", "").strip().casefold()
        if len(text.encode("utf-16-le", "surrogatepass")) // 2 == _CELL:
            what = (
                f"{where}: the text has {_CELL:,} characters, where spreadsheets cut it off: it is not used"
            )
            self._cut += [] if what in self._cut else [what]
            return
        edited = bool(text) and review.text_digest(text) != mark.best
        if not edited and not accept:
            return
        found = self._found.setdefault(mark.place, {})
        before, now = found.get(mark.asked), Decision(row, mark, where, text, _problem(text, accept))
        if before is None or (before.text, before.row.get("accept")) != (text, row.get("accept")):
            found[mark.asked] = now

    def near(self, step: str, place: str) -> tuple[Near, ...]:
        """People decide about rows one by one."""
        return ()

    def by_hand(self, step: str, place: str, asked: Conversation, misfit: Callable[[str], str]) -> str | None:
        """What a person decided on for a row; None where nobody did, or where it is not to be used."""
        if not self._found or not (found := self._found.get(review.place_digest(step, place))):
            return None
        now = asked.digest
        self.stale.update(one.mark for one in found.values() if one.mark.asked != now and not one.problem)
        decision = found.get(now)
        if decision is None or decision.problem:
            return None
        text = decision.text
        if (wrong := misfit(text)) and misfit(text := text.translate(_STRAIGHT)):
            found[now] = replace(decision, problem=to_a_person(wrong))
            return None
        self.used.add(decision.mark)
        return text

    def about(self, mark: Mark) -> Decision | None:
        """What a person wrote for a row, though it is not used."""
        return self._found.get(mark.place, {}).get(mark.asked)

    @property
    def all(self) -> list[Decision]:
        """All of them, in the order in which they were read."""
        return [one for found in self._found.values() for one in found.values()]

    def said(self) -> list[str]:
        """What is wrong in the files, and what could not be used."""
        wrong = [f"{one.where}: {one.problem}" for one in self.all if one.problem]
        stale = counted(len(self.stale), "decision")
        was = "is" if len(self.stale) == 1 else "are"
        told = f"{stale} {was} not used: the prompts have changed since ({DECISIONS} says which)"
        return [*self._cut, *wrong, *([told] if self.stale else [])]


def _problem(text: str, accept: str) -> str:
    """Why what a person wrote is not used."""
    if accept and accept not in _YES:
        return f"`accept` is '{accept[:20]}', so it is not taken; `yes` takes it"
    if not text:
        return "there is no answer to accept"
    if not accept and len(text) < _SHORT:
        return "a short text that was changed is taken only with `yes` in `accept`"
    return ""
