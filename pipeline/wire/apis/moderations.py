"""Moderations: `POST /moderations`, which gives a text a score for each kind of harm.

The answer's text is a JSON object of the categories and their scores. This module does not know what is too
much.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import Any

from pipeline.core.domain import NO_TOKENS, Answer
from pipeline.wire.apis._json import mapping, parse, usage, word
from pipeline.wire.conversation import Conversation
from pipeline.wire.inside import no_answer


def body(model: str, asked: Conversation, params: Mapping[str, Any]) -> dict[str, Any]:
    """The request's body: the text of the last turn, which `params` do not replace."""
    return {"model": model} | dict(params) | {"input": asked.turns[-1][1]}


def read(raw: bytes, *, tokens: bool = True) -> Answer:
    """What the reply says; a `Fault` where it has no score."""
    reply = parse(raw)
    results = reply.get("results")
    result = mapping(results[0]) if isinstance(results, list) and results else {}
    scores = mapping(result.get("category_scores")) or mapping(
        result.get("categories")
    )  # yes or no, at least
    found = {name: float(score) for name, score in scores.items() if _is_score(score)}
    if not found:
        raise no_answer(reply, raw)
    used = usage(reply.get("usage"), "prompt_tokens", "completion_tokens") if tokens else NO_TOKENS
    return Answer(json.dumps(found), model=word(reply.get("model")), usage=used)


def _is_score(value: Any) -> bool:
    return type(value) in (bool, int, float) and math.isfinite(value) and 0 <= value <= 1
