"""Decisions: `POST /decisions`, which answers questions about an input with probabilities and no text.

The answer's text is a JSON list in our own form: for each question its name and type, and the `probability`
of a predicate or the `chances` of all labels. This module does not know what is asked.
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

_LABELS = {"score": "label", "choice": "value"}
"""where a label stands in the probabilities, by the type of an answer"""


def body(model: str, asked: Conversation, params: Mapping[str, Any]) -> dict[str, Any]:
    """The request's body: the conversation, and the questions about it, which `params` do not replace."""
    turns = [{"role": role, "content": content} for role, content in asked.turns]
    if asked.system:
        turns.insert(0, {"role": "system", "content": asked.system})
    return {"model": model} | dict(params) | {"input": turns, "questions": list(asked.questions)}


def read(raw: bytes, *, tokens: bool = True) -> Answer:
    """What the reply says; a `Fault` where it has no answers."""
    reply = parse(raw)
    answers = reply.get("answers")
    if not isinstance(answers, list) or not answers:
        raise no_answer(reply, raw)
    said = json.dumps(list(map(_plain, map(mapping, answers))))
    used = usage(reply.get("usage"), "input_tokens", "output_tokens") if tokens else NO_TOKENS
    return Answer(said, model=word(reply.get("model")), usage=used)


def _plain(answer: dict[str, Any]) -> dict[str, Any]:
    kind = word(answer.get("type"))
    plain: dict[str, Any] = {"name": word(answer.get("name")), "type": kind}
    if kind in _LABELS:
        listed = answer.get("probabilities")
        ones = list(map(mapping, listed if isinstance(listed, list) else ()))
        label = _LABELS[kind]
        return plain | {
            "chances": {str(one.get(label))[:200]: _share(one.get("probability")) for one in ones}
        }
    return plain | {"probability": _share(answer.get("probability"))}


def _share(value: Any) -> float | None:
    """A probability; None for anything else."""
    fine = type(value) in (int, float) and math.isfinite(value) and 0 <= value <= 1
    return float(value) if fine else None
