"""What the journal is asked about segments, and what it answers: every answer that a segment ever had.

The answers of a segment are found by its key, whatever request they came with: so a paragraph that was paid
for once is never asked for again, and an edited one is asked for alone. The question is a `Request` like any
other, of a dialect that only the journal answers. This module does not know the journal.
"""

from __future__ import annotations

from collections.abc import Sequence, Set
from hashlib import sha256

import orjson

from pipeline.core.domain import Answer, Reply, Request, frozen
from pipeline.translation.question import Term

API = "segments"
KEY = 16
"""bytes of a key"""


def key_of(text: str, source: str, target: str, model: str, style: str, terms: Sequence[Term]) -> bytes:
    """What a translation depends on, as a digest: whoever has the same key has the same answers.

    `text` is as the model sees it, with its masks. The brief and what stands around it are no part of it.
    """
    applied = [(t.source, t.target, t.case, t.keep, t.forbidden, t.inflected) for t in terms]
    said = orjson.dumps([text, source.lower(), target.lower(), model, style, applied])
    return sha256(said).digest()[:KEY]


def question(keys: Sequence[bytes], also: Sequence[str], step: str, record: str) -> Request:
    """Asks the journal, and those of the jobs named in `also`, what it has for these segments."""
    body = orjson.dumps({"keys": [key.hex() for key in keys], "also": list(also)})
    return Request(API, "", body, step, record)


def asked(request: Request) -> tuple[list[bytes], list[str]]:
    """The keys and the other jobs of a question."""
    said = orjson.loads(request.body)
    return [bytes.fromhex(key) for key in said["keys"]], said["also"]


@frozen
class Kept:
    """An answer to a request that asked for a segment, or the fault that it brought for good."""

    request: bytes
    """the digest of the request"""
    place: int
    """which of the request's segments it was, from 1"""
    of: int
    """how many segments the request asked for"""
    answer: Answer | None
    fault: str = ""
    """the kind of the fault, where there is no answer"""
    tokens: int = 0
    """its share of the tokens of the request and of its answer"""
    cost: int | None = None
    """its share of the cost, in nano-dollars; None where that is not known"""


def reply_of(found: Sequence[Sequence[Kept]]) -> Reply:
    """The journal's answer: for each key what was kept, the oldest first."""
    answers: dict[tuple[bytes, str, str], int] = {}
    listed: list[list[str]] = []
    rows = []
    for kept in found:
        row = []
        for one in kept:
            said = one.answer
            texts = [said.text, said.finish_reason, said.refusal, said.model] if said else [one.fault]
            known = (one.request, texts[0], one.fault)
            if known not in answers:
                answers[known] = len(listed)
                listed.append(texts)
            row.append([one.request.hex(), one.place, one.of, answers[known], one.tokens, one.cost])
        rows.append(row)
    return Reply(API, orjson.dumps({"answers": listed, "keys": rows}), known=True)


def without(request: Request, reply: Reply, keys: Set[bytes]) -> Reply:
    """The journal's answer, with nothing for these keys."""
    asked_for, _ = asked(request)
    return reply_of([() if key in keys else kept for key, kept in zip(asked_for, read(reply), strict=True)])


def read(reply: Reply) -> list[list[Kept]]:
    """The same, read again: for each key of the question, in its order."""
    said = orjson.loads(reply.body)
    answers = [Answer(*texts) if len(texts) > 1 else None for texts in said["answers"]]
    faults = [texts[0] if len(texts) == 1 else "" for texts in said["answers"]]
    return [
        [
            Kept(bytes.fromhex(digest), place, of, answers[i], faults[i], *used)
            for digest, place, of, i, *used in row
        ]
        for row in said["keys"]
    ]
