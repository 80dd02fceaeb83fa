"""Whether a journal can be relied on where no checksum helps, so that nothing is paid for twice.

A row's checksum covers what was asked and answered. It does not cover the index that leads to the row, nor
what changes later: its outcome, its counts and its cost. The numbers of a run have a checksum inside.
A whole file may be another one: the receipt beside it (`published.json`) tells.
This module does not know what the rows are read for.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
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
NOT_THAT_ONE = "is not the one that the result was written from"


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


def published(journal: Path) -> Any:
    """The receipt beside a journal: None where there is none, '' where it cannot be read."""
    try:
        return json.loads(journal.with_name("published.json").read_bytes())
    except FileNotFoundError:
        return None
    except (OSError, ValueError):
        return ""


def answers_in(receipt: Any) -> bool:
    """Whether a result with answers in it was written; a damaged receipt counts as one."""
    try:
        return receipt is not None and bool(receipt["rows"]["ok"])
    except (TypeError, LookupError):
        return True


def noted(connection: sqlite3.Connection) -> dict[str, int]:
    """The number that the journal's file carries (0: none, an old one), and that of its last attempt."""
    (number,) = connection.execute("PRAGMA application_id").fetchone()
    (last,) = connection.execute("SELECT max(seq) FROM attempts").fetchone()
    return {"number": number, "last": last or 0}


def another(connection: sqlite3.Connection, receipt: Any) -> str:
    """Why this is not the journal that the receipt tells of, as the end of a sentence; '' where it may be.

    An attempt that is missing is no reason, because people may delete some; that none is left is one.
    Damage is no reason here: whoever reads the damaged part says so.
    """
    try:
        made = connection.execute("SELECT 1 FROM sqlite_master LIMIT 1").fetchone()
        if made and not connection.execute("PRAGMA user_version").fetchone()[0]:
            return "is a file of another program"
        if not answers_in(receipt):
            return ""
        then = receipt.get("journal") if isinstance(receipt, dict) else None
        then = then if isinstance(then, dict) else {}
        now = noted(connection) if made else {"number": 0, "last": 0}
    except (sqlite3.Error, UnicodeError):
        return ""
    if not now["last"] and then.get("last") != 0:
        return "is emptied, though there were answers in it"
    if now["number"] and then.get("number") not in (None, 0, now["number"]):  # a saved copy may have none
        return NOT_THAT_ONE
    return ""


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
