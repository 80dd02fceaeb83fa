"""How an answer ended, and whether it may pass: refused, filtered, cut off, empty.

This module does not know what the answer says.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Literal

from pipeline.core.domain import Answer
from pipeline.wire.words import CALLED, FILTERED, KNOWN, LENGTH, MALFORMED, REFUSED

Allowed = Literal["length", "refusal", "empty"]


def broken(answer: Answer, allow: Collection[Allowed]) -> tuple[str, str] | None:
    """Kind and message of the fault where an answer was refused, filtered, cut off or empty; else None.

    An end whose word is not known passes if there is a text.
    """
    finish = answer.finish_reason
    refused = answer.refusal or finish == REFUSED
    if refused and "refusal" not in allow:
        return "refused", f"the model refused: {(answer.refusal or answer.text)[:200]}"
    if finish == FILTERED:
        return "filtered", "a content filter cut the answer off"
    if finish == LENGTH and "length" not in allow:
        return (
            "truncated",
            "the answer was cut off at its token limit; raise it (max_tokens in params), or allow: [length]",
        )
    if finish == MALFORMED:  # asked again, as for any other answer that does not fit
        return None
    empty = not answer.text.strip()
    if finish == CALLED or (empty and finish not in KNOWN):
        return "unfinished", f"the model ended with '{finish[:40]}' instead of an answer"
    if empty and not refused and "empty" not in allow:
        only = "reasoning and no answer" if answer.reasoning else "nothing"
        return "empty", f"the model answered with {only}; allow: [empty] accepts that"
    return None
