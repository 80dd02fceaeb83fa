"""Whether a journal can be relied on where no checksum helps, so that nothing is paid for twice.

A row's checksum covers what was asked and answered. It does not cover the index that leads to the row, nor
what changes later: its outcome, its counts and its cost. The numbers of a run have a checksum inside.
This module does not know what the rows are read for.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from zlib import crc32

from pipeline.core.display import counted

_OUT_OF_SIGHT = """
SELECT count(*) FROM main.attempts AS one NOT INDEXED WHERE NOT EXISTS (SELECT 1 FROM main.attempts AS other
    INDEXED BY attempts_by_digest WHERE other.digest = one.digest AND other.seq = one.seq)
"""
_COUNTS = ("input", "cached", "output", "reasoning", "cost")
_MOST = 1 << 60
_IS_COUNT = f"(typeof({{0}}) = 'integer' AND {{0}} BETWEEN 0 AND {_MOST})"
_STRANGE = f"""
SELECT count(*) FROM attempts WHERE NOT ifnull(
    billed IN ('yes', 'no', 'maybe') AND fate IN ('', 'retry', 'fail', 'stop')
    AND typeof(outcome) = 'text' AND (fate <> '' OR outcome IN ('answered', 'superseded'))
    AND {" AND ".join(f"({name} IS NULL OR {_IS_COUNT.format(name)})" for name in _COUNTS)}, 0)
"""  # noqa: S608 - names of ours
_SEAL = "checksum"


@dataclass(frozen=True, slots=True)
class LastRun:
    """The run before this one: the digest of its job, how it ended ('' where it was killed), its numbers."""

    job: bytes
    outcome: str
    numbers: Mapping[str, Any] = field(default_factory=dict)


def unsound(select: Callable[[str], list[Any]]) -> str:
    """What is wrong with the index or with a number, as the end of a sentence; '' for nothing."""
    ((lost,),), ((strange,),) = select(_OUT_OF_SIGHT), select(_STRANGE)
    if lost:
        return f"its index does not lead to {counted(lost, 'row')}: mend it (sqlite3 journal.sqlite REINDEX)"
    return f"{counted(strange, 'row')} with an outcome or a number that cannot be" if strange else ""


def sealed(numbers: Mapping[str, Any]) -> str:
    """The numbers of a run as JSON with a checksum."""
    plain = json.loads(json.dumps({**numbers, _SEAL: 0}, default=str))
    return json.dumps({**plain, _SEAL: _sum(plain)})


def unsealed(text: object) -> dict[str, Any]:
    """What was sealed; nothing where it is damaged."""
    try:
        read = json.loads(str(text))
        return dict(read) if _SEAL not in read or read[_SEAL] == _sum(read) else {}
    except (ValueError, TypeError):
        return {}


def _sum(plain: Mapping[str, Any]) -> int:
    return crc32(json.dumps({**plain, _SEAL: 0}).encode())
