"""How an answer ended, and whether it may pass: refused, filtered, cut off, empty.

This module does not know what the answer says.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Literal

from pipeline.core.domain import Answer

Allowed = Literal["length", "refusal", "empty"]
_FINISHED = frozenset({"stop", "length", "end_turn", "eos", "stop_sequence", "completed"})


def broken(answer: Answer, allow: Collection[Allowed]) -> tuple[str, str] | None:
    """Kind and message of the fault where an answer was refused, filtered, cut off or empty; else None."""
    finish = answer.finish_reason
    if answer.refusal and "refusal" not in allow:
        return "refused", f"the model refused: {answer.refusal[:200]}"
    if finish == "content_filter":
        return "filtered", "a content filter cut the answer off"
    if finish == "length" and "length" not in allow:
        return "truncated", "the answer was cut off at its token limit; raise it, or allow: [length]"
    if finish not in _FINISHED:
        return "unfinished", f"the model ended with '{finish[:40]}' instead of an answer"
    if not answer.text.strip() and not answer.refusal and "empty" not in allow:
        return "empty", "the model answered with nothing; allow: [empty] accepts that"
    return None
