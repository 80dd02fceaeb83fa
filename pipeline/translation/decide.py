"""What becomes of a unit, by all answers that it ever had. A pure function, run again on every replay.

A heuristic is never the last word: an answer with soft findings alone passes when it was given twice, or when
no better one came. This module does not know who answered.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Literal

from pipeline.core.document import Finding
from pipeline.core.domain import frozen

Judge = Callable[[str], tuple[str, list[Finding]]]
"""an answer as the model gave it -> the translation, put right where it can be, and what is wrong with it"""


@frozen
class Given:
    """One answer to a unit."""

    text: str | None
    """None where the request brought nothing for it, …"""
    cause: str = ""
    """… and why"""
    by: str = ""
    tokens: int = 0
    cost: int | None = None
    """nano-dollars; None where that is not known"""


@frozen
class Decision:
    """What is decided so far."""

    state: Literal["open", "ok", "marked", "needs_review"]
    target: str = ""
    findings: tuple[Finding, ...] = ()
    tries: int = 0
    by: str = ""
    refused: str = ""
    """the last answer that was not accepted, as the model gave it"""

    @property
    def why(self) -> str:
        """What is wrong with it, in words for the model."""
        return " ".join(finding.message for finding in self.findings)


def decide(answers: Sequence[Given], judge: Judge, most: int) -> Decision:
    """The latest answer without findings; else one with soft findings, given twice or as the last resort.

    `most` is the number of answers after which no other is asked for.
    """
    judged: list[tuple[Given, str, list[Finding]]] = []
    tries = len(answers)
    for one in reversed(answers):  # most answers are good: those before the good one need no judge
        target, findings = judge(one.text) if one.text is not None else _nothing(one)
        if one.text is not None and not findings:
            return Decision("ok", target, (), tries, one.by)
        judged.append((one, target, findings))
    judged.reverse()
    soft = [(i, t, f) for i, (_, t, f) in enumerate(judged) if f and not any(one.hard for one in f)]
    for i, target, findings in reversed(soft):
        if any(target == other for j, other, _ in soft if j < i) or tries >= most:
            return Decision("marked", target, tuple(findings), tries, judged[i][0].by)
    if not judged:
        return Decision("open")
    last, target, findings = judged[-1]
    if tries < most:
        return Decision("open", target, tuple(findings), tries, last.by, last.text or "")
    best = min(judged, key=lambda one: (one[0].text is None, sum(f.hard for f in one[2])))
    return Decision("needs_review", best[1], tuple(best[2]), tries, best[0].by, best[0].text or "")


def _nothing(given: Given) -> tuple[str, list[Finding]]:
    return "", [Finding(given.cause or "missing", "The answer held no translation for it.")]
