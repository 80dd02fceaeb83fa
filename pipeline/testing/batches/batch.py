"""One batch of the fake model: how it stands at a time, what it has billed by then, and its files of results.

All of it is worked out from a few times, so nothing has to run while a batch is waited for. A batch checks
its lines for a twentieth of its time, answers them one after the other, and takes the last twentieth to end.
This module does not know HTTP, clocks or where batches are kept.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any, TypeAlias

import orjson
from pydantic import BaseModel, PrivateAttr

from pipeline.testing.chance import drawn
from pipeline.testing.ledger import Line
from pipeline.testing.script import BatchRule

Json: TypeAlias = dict[str, Any]

CHECKED, ANSWERED = 0.05, 0.95  # the shares of its time when all lines are checked, and when all are answered
CANCELLING_SECONDS = 60.0
HALF = 0.5
_ENDS = {"output": (200, 399), "error": (400, 599)}
_EDITS: dict[str, Callable[[bytes], tuple[bytes, ...]]] = {
    "missing": lambda line: (),
    "doubled": lambda line: (line, line),
    "blank": lambda line: (b"", line, b"  "),
    "cut": lambda line: (line[: len(line) // 2],),
}
"""what becomes of a line that such a fault hits"""


class Outcome(BaseModel, frozen=True):
    """What a line is answered, if its turn comes, and what that costs."""

    id: str
    body: str
    bill: Line


class Batch(BaseModel):
    """A batch; `seconds` until it is complete, `window` until it expires, `errors` where it is refused."""

    id: str
    n: int
    created: float
    seconds: float
    window: float
    seed: int
    asked: Json
    rules: tuple[BatchRule, ...]
    outcomes: tuple[Outcome, ...] = ()
    errors: list[Json] = []
    waiting: int = 0
    """the tokens of its prompts"""
    cancelled: float | None = None
    _billed: int = PrivateAttr(0)

    def rule(self, fault: str) -> BatchRule | None:
        """The rule with this fault that applies to it."""
        return next((rule for rule in self.rules if rule.fault == fault), None)

    @property
    def end(self) -> tuple[float, str]:
        """When it ends, and how."""
        ends = [(self.created + self.window, "expired")]
        if self.errors:
            ends.append((self._at(CHECKED), "failed"))
        elif not self.rule("stall"):
            ends.append((self._at(1.0), "expired" if self.rule("expired") else "completed"))
        if self.cancelled is not None:
            slow = self.rule("slow_cancel")
            wait = 0.0 if slow is None else CANCELLING_SECONDS if slow.seconds is None else slow.seconds
            ends.append((self.cancelled + wait, "cancelled"))
        return min(ends)

    def _at(self, share: float) -> float:
        return self.created + share * self.seconds

    def _due(self, index: int) -> float:
        """When the line with this index is answered."""
        return self._at(CHECKED + (ANSWERED - CHECKED) * (index + 1) / len(self.outcomes))

    def status(self, now: float) -> str:
        """In the words of OpenAI's API."""
        end, how = self.end
        if now >= end:
            return how
        if self.cancelled is not None:
            return "cancelling"
        if now < self._at(CHECKED):
            return "validating"
        return "in_progress" if now < self._at(ANSWERED) or self.rule("stall") else "finalizing"

    def answered(self, now: float) -> int:
        """How many lines have had their turn; the first ones."""
        rule = self.rule("expired") or self.rule("stall")
        most = len(self.outcomes)
        if rule:
            most = round(most * (HALF if rule.part is None else rule.part))
        reached = min(now, self.end[0])
        return bisect_right(range(most), reached, key=self._due)

    def resume(self, billed: int) -> None:
        """Go on after a restart: so many of its lines are in the ledger."""
        self._billed = billed

    def bills(self, now: float) -> Iterator[Line]:
        """The bills since the last call; after its end, those of the lines without an answer too."""
        end, how = self.end
        answered = self.answered(now)
        for index in range(self._billed, len(self.outcomes) if now >= end else answered):
            bill = self.outcomes[index].bill
            yield replace(bill, at=self._due(index)) if index < answered else bill.unpaid(end, how)
            self._billed += 1

    def files(self, now: float) -> dict[str, str]:
        """The names of its files of results by their kinds, `output` and `error`; none before its end."""
        if now < self.end[0] or self.rule("no_output"):
            return {}
        return {kind: f"file-{kind}-{self.id}" for kind in _ENDS if any(self._lines(kind, now))}

    def content(self, kind: str, now: float) -> bytes:
        """A file of results."""
        lines = list(self._lines(kind, now))
        for place, rule in enumerate(self.rules):
            if edit := _EDITS.get(rule.fault):
                lines = [
                    (name, part)
                    for name, line in lines
                    for part in (edit(line) if self.hits(rule, name) else (line,))
                ]
            elif rule.fault == "shuffled":
                lines.sort(key=lambda one: drawn(self.seed, place, one[0]))
        return b"".join(line + b"\n" for _, line in lines)

    def hits(self, rule: BatchRule, name: str) -> bool:
        """Whether a fault of lines hits the line with this custom_id."""
        return drawn(self.seed, rule.fault, name) < (HALF if rule.part is None else rule.part)

    def _lines(self, kind: str, now: float) -> Iterator[tuple[str, bytes]]:
        least, most = _ENDS[kind]
        answered, how = self.answered(now), self.end[1]
        for index, one in enumerate(self.outcomes):
            line: Json = {"id": f"batch_req_{one.bill.n}_{self.id}", "custom_id": one.id}
            if index >= answered:
                if kind == "error":
                    message = f"This request was not carried out before the batch was {how}."
                    error = {"code": f"batch_{how}", "message": message}
                    yield one.id, orjson.dumps(line | {"response": None, "error": error})
            elif least <= one.bill.status <= most:
                said = {"status_code": one.bill.status, "request_id": f"req_{one.bill.n}"}
                said["body"] = orjson.Fragment(one.body)
                yield one.id, orjson.dumps(line | {"response": said, "error": None})

    def shown(self, now: float) -> Json:
        """As OpenAI's API shows it."""
        end = self.end[0]
        status, files = self.status(now), self.files(now)
        bills = [one.bill for one in self.outcomes[: self.answered(now)]]
        good = sum(bill.status < 400 for bill in bills)
        failed = len(bills) - good if now < end else len(self.outcomes) - good
        shown_errors = self.errors if status == "failed" else []
        return {
            "id": self.id,
            "object": "batch",
            **self.asked,
            "status": status,
            "created_at": int(self.created),
            "expires_at": int(self.created + self.window),
            f"{status}_at": int(min(now, end)),
            "cancelling_at": self.cancelled and int(self.cancelled),
            "errors": {"object": "list", "data": shown_errors} if shown_errors else None,
            "output_file_id": files.get("output"),
            "error_file_id": files.get("error"),
            "request_counts": {"total": len(self.outcomes), "completed": good, "failed": failed},
            "usage": _usage(bills),
        }


def _usage(bills: list[Line]) -> Json:
    """What its lines have cost so far."""
    names = ("input", "output", "cached", "reasoning")
    used = {name: sum(getattr(bill, name) for bill in bills) for name in names}
    return {
        "input_tokens": used["input"],
        "input_tokens_details": {"cached_tokens": used["cached"]},
        "output_tokens": used["output"],
        "output_tokens_details": {"reasoning_tokens": used["reasoning"]},
        "total_tokens": used["input"] + used["output"],
    }
