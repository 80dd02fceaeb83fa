"""Which segments of documents each request asked for: an index from a segment's key to all of its answers.

It is noted before a request is sent, so that no paid answer is ever without it. An answer is decided on anew
at every replay; the index says only where it stands. This module does not know what a segment is.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from hashlib import sha256
from typing import Any

import orjson

from pipeline.core.domain import Answer, Fault, Reply, Request
from pipeline.journal.database import fits
from pipeline.translation.batch import texts_of
from pipeline.translation.memory import Kept
from pipeline.wire.conversation import read
from pipeline.wire.kept import KEPT

Select = Callable[[str, tuple[Any, ...]], list[Any]]
"""a query and its values -> rows"""
NOTE = "INSERT OR IGNORE INTO segments VALUES (?, ?, ?, ?, ?)"
LET_GO = "DELETE FROM segments WHERE key = ?"
FORGET = "DELETE FROM segments WHERE digest = ?"
_AT_ONCE = 500
_FIND = "SELECT key, digest, place, of, sum FROM segments WHERE key IN ({})"
_ATTEMPTS = """
SELECT outcome, digest, api, model, step, record, at, seconds, body, endpoint, sum, input, output, cost, seq
FROM attempts WHERE digest IN ({})
  AND (outcome = 'answered' OR (fate = 'fail' AND outcome NOT IN ('superseded', 'forgotten')))
ORDER BY seq
"""


def rows_of(request: Request) -> Iterable[tuple[bytes, bytes, int, int, int]]:
    """The rows of the index for a request and those to fallback models."""
    of = len(request.segments)
    for either in request.either:
        for place, key in enumerate(request.segments, 1):
            yield key, either.digest, place, of, _sum(key, either.digest, place, of)


def is_whole(key: Any, digest: Any, place: Any, of: Any, kept: Any) -> bool:
    """Whether a row is still what it was; columns of a damaged row may be of any type."""
    types = isinstance(key, bytes) and isinstance(digest, bytes)
    return types and isinstance(place, int) and isinstance(of, int) and _sum(key, digest, place, of) == kept


def _sum(key: bytes, digest: bytes, place: int, of: int) -> int:
    return int.from_bytes(sha256(key + digest + b"%d/%d" % (place, of)).digest()[:8], signed=True)


def kept_for(select: Select, keys: Sequence[bytes]) -> list[list[Kept]]:
    """All that was ever answered for each of these keys, the oldest first; damaged rows are not used."""
    places: dict[bytes, list[tuple[bytes, int, int]]] = defaultdict(list)
    for key, digest, place, of, kept in _rows(select, _FIND, keys):
        if is_whole(key, digest, place, of, kept):
            places[digest].append((key, place, of))
    found: dict[bytes, list[Kept]] = {key: [] for key in keys}
    attempts = sorted(_rows(select, _ATTEMPTS, list(places)), key=_seq_of)
    for outcome, digest, *columns, kept, taken, given, cost, _seq in attempts:
        answer, fault = None, ""
        if outcome != "answered":
            fault = str(outcome)
        elif kept is not None and not fits(kept, digest, *columns):
            continue
        else:
            try:
                answer = replace(read(Reply(columns[0], columns[6]), tokens=False), model=columns[1])
            except Fault as unreadable:
                fault = unreadable.kind
        for key, place, of in places[digest]:
            share = _share(taken, of) + _share(given, of), None if cost is None else _share(cost, of)
            found[key].append(Kept(digest, place, of, answer, fault, *share))
    return [found[key] for key in keys]


def keys_in(select: Select, digests: Sequence[bytes]) -> dict[bytes, dict[bytes, None]]:
    """By digest: the keys of the segments that the request asked for."""
    found: dict[bytes, dict[bytes, None]] = defaultdict(dict)
    for key, digest in _rows(select, "SELECT key, digest FROM segments WHERE digest IN ({})", digests):
        found[digest][key] = None
    return found


def asking(select: Select, keys: Sequence[bytes]) -> set[bytes]:
    """The digests of the requests that asked for any of these segments."""
    return {digest for (digest,) in _rows(select, "SELECT digest FROM segments WHERE key IN ({})", keys)}


def parted(select: Select, digest: bytes, shared: Mapping[bytes, str]) -> Iterable[tuple[Request, Answer]]:
    """An answer to several segments, as one to each that is `shared`: those of other records, with their key.

    So what one record shares with another can stay, while the rest of the answer goes.
    """
    rows = select("SELECT DISTINCT key FROM segments WHERE digest = ?", (digest,))
    keys = [key for (key,) in rows if key in shared]
    for key, kept in zip(keys, kept_for(select, keys), strict=True):
        for one in kept:
            text = texts_of(one.answer.text, one.of).get(one.place) if one.answer else None
            if one.answer is None or text is None or one.request != digest:
                continue
            body = orjson.dumps([key.hex(), text])
            answer = Answer(orjson.dumps({"s1": text}).decode(), "stop", model=one.answer.model)
            yield Request(KEPT, one.answer.model, body, "", shared[key], segments=(key,)), answer


def _share(whole: Any, of: int) -> int:
    """What one of several segments has of a number; columns of a damaged row may be of any type."""
    return round(whole / of) if isinstance(whole, int) and of > 0 else 0


def _seq_of(row: Sequence[Any]) -> int:
    return int(row[-1])


def _rows(select: Select, sql: str, values: Sequence[bytes]) -> Iterable[Any]:
    for start in range(0, len(values), _AT_ONCE):
        some = values[start : start + _AT_ONCE]
        yield from select(sql.format(", ".join("?" * len(some))), tuple(some))
