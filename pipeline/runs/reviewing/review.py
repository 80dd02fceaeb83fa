"""Writes the rows that wait for a person, and keeps what people decided.

    review.csv      rows whose answers were all rejected, each with its best attempt
    decisions.csv   what people wrote or accepted, and what became of it; the program removes nothing from it

Decisions are written first: after a kill in between, both files have them. This module does not know what
makes a decision valid.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from pipeline.core.domain import Rejected
from pipeline.core.errors import InputError
from pipeline.engine.stages import Stage
from pipeline.engine.walk import Branch
from pipeline.output.review import COLUMNS, DECISIONS, REVIEW, Mark, Sheet
from pipeline.runs.reviewing.by_hand import ByHand, Decision

_STALE = "not used: the prompt of this row has changed since"


class Reviewing:
    """The two files, as a walk over all rows finds them."""

    def __init__(self, folder: Path, stages: Sequence[Stage], hand: ByHand) -> None:
        self._stages, self._hand = stages, hand
        each = [name for stage in stages for name in stage.spec.forks]
        self._heads = ["key", *(_head(name) for name in each)]
        self._review = Sheet(folder / REVIEW, self._heads)
        self._decisions = Sheet(folder / DECISIONS, self._heads)
        self._seen: set[Mark] = set()
        self._shown: set[Mark] = set()
        self._remarks: list[str] = []

    def __enter__(self) -> Reviewing:
        return self

    def __exit__(self, *_: object) -> None:
        self._review.abandon()
        self._decisions.abandon()

    def said(self) -> dict[str, Any]:
        """What a `Result` says of them."""
        return {
            "review": self._review.path if self._review.rows else None,
            "to_review": self._review.rows,
            "by_hand": len(self._hand.used),
            "review_remarks": (*self._hand.said(), *self._remarks),
        }

    def note(self, leaves: Iterable[Branch]) -> None:
        """Write the rows that a person can decide; once, also where one stands for several of the table."""
        for leaf in leaves:
            if isinstance(leaf.fault, Rejected):
                for fault in (leaf.fault, *leaf.fault.others):
                    self._note(leaf, fault)

    def _note(self, leaf: Branch, fault: Rejected) -> None:
        stage = self._stages[leaf.at]
        mark = Mark.of(leaf.record.key, stage.spec.name, fault.place, fault.asked, fault.best)
        if not fault.place or mark in self._seen:
            return
        self._seen.add(mark)
        each = [name for one in self._stages[: leaf.at + 1] for name in one.spec.forks]
        inside = fault.place.split("\0")[1 + len(each) :]
        row = {"key": leaf.record.key, **{_head(name): str(leaf.values.get(name)) for name in each}}
        row |= {"step": " ".join((stage.spec.name, *inside)), "why": fault.message, "request": str(mark)}
        theirs = self._hand.about(mark)
        if theirs:
            row |= {name: theirs.row.get(name, "") for name in ("answer", "accept")}
            row["why"] = f"{theirs.problem}; before: {fault.message}"
            self._shown.add(theirs.mark)
        self._review.write({"answer": fault.best, **row})

    def publish(self) -> None:
        """Move both files into place."""
        try:
            self._hand.reread()
        except InputError as error:
            what = f"{error.where}: it was changed while the job ran, and is left as it is: {error.what}"
            self._remarks.append(what)
            return
        waiting = {(mark.place, mark.asked) for mark in self._seen}
        for one in self._hand.all:
            if one.problem and (one.mark.place, one.mark.asked) in waiting:
                if one.mark not in self._shown:  # written while the run went on
                    self._review.write({**one.row, "why": one.problem})
            else:
                self._decisions.write({**one.row, "why": self._why(one)})
        self._decisions.publish()
        self._review.publish()

    def _why(self, one: Decision) -> str:
        before = one.row.get("why", "")
        if one.problem:
            return f"not used: {one.problem}"
        if one.mark in self._hand.stale:
            return _STALE
        return "" if before.startswith("not used: ") else before


def _head(name: str) -> str:
    return f"each {name}" if name in ("key", *COLUMNS) else name
