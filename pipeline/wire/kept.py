"""What is kept of a reply in which a server sent a key back: what it says, without the key.

The bytes of a reply are cleansed when they come. A key can still appear when they are read, where a reader
joins parts that stood apart, or where an answer holds it in pieces. Then the read answer is kept in place of
the reply, so that no later reading finds the key, and the answer is not paid for again. This module does not
know which keys there are.
"""

from __future__ import annotations

import json
from dataclasses import asdict, fields, replace
from operator import attrgetter
from typing import Any

from pipeline.core.domain import Answer, Reply, Usage
from pipeline.core.secret import cleansed_answer
from pipeline.wire.faults import unreadable

KEPT = "kept"  # the dialect of such a reply in the journal
_WORDS = tuple(field.name for field in fields(Answer) if field.type == "str")
_words = attrgetter(*_WORDS)


def without_keys(reply: Reply, answer: Answer) -> tuple[Reply, Answer]:
    """The same reply and answer, or what is kept of them where the answer's words hold a key."""
    found = _words(answer)
    words = cleansed_answer(found)
    if words == found:
        return reply, answer
    safe: dict[str, Any] = dict(zip(_WORDS, words, strict=True))
    answer = replace(answer, **safe)
    return replace(reply, api=KEPT, body=json.dumps(asdict(answer)).encode()), answer


def read(raw: bytes) -> Answer:
    """The answer that was kept."""
    try:
        parts = json.loads(raw)
        return Answer(**parts | {"usage": Usage(**parts["usage"])})
    except (ValueError, TypeError, KeyError):
        raise unreadable("what was kept of a reply is not in a known form", raw) from None
