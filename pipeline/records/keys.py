"""Keys of records that have no key column: their content, and an occurrence number; samples by key.

This module does not know files, nor how rows are read.
"""

from __future__ import annotations

import heapq
import json
from collections.abc import Iterable
from hashlib import blake2b
from typing import Any

import orjson
import polars as pl

from pipeline.core.display import counted
from pipeline.job.files import Records, Sample


def comparable(schema: pl.Schema) -> list[pl.Expr]:
    """The columns to compare rows by: equal content is equal in these. JSON has no NaN, so it is null."""
    return [_comparable(pl.col(name), dtype).alias(name) for name, dtype in schema.items()]


def _comparable(column: pl.Expr, dtype: pl.DataType) -> pl.Expr:
    """A column to hash: equal where the content is equal, and perhaps where it is not."""
    if dtype.is_nested() or dtype == pl.Null:
        return column.is_null()
    return column.fill_nan(None) if dtype.is_float() else column


class Occurrences:
    """Keys from content: 32 hex characters, and "#2", "#3" for records whose content came before.

    The content is the record's JSON with its names sorted, so columns may change places. Only rows whose
    hash occurs more than once are remembered.
    """

    def __init__(self, repeated: pl.Series | None) -> None:
        self._repeated = iter(repeated) if repeated is not None else None
        self._seen: dict[bytes, int] = {}

    def __call__(self, fields: dict[str, Any]) -> str:
        digest = blake2b(_content(fields), digest_size=16).digest()
        if self._repeated is None or not next(self._repeated):
            return digest.hex()
        number = self._seen[digest] = self._seen.get(digest, 0) + 1
        return digest.hex() if number == 1 else f"{digest.hex()}#{number}"


def _content(fields: dict[str, Any]) -> bytes:
    try:
        return orjson.dumps(fields, default=_text, option=orjson.OPT_SORT_KEYS)
    except TypeError:  # an int of more than 64 bits
        return json.dumps(fields, default=_text, sort_keys=True).encode()


def _text(value: object) -> str:
    return value.hex() if isinstance(value, bytes) else str(value)


def drawn(keys: Iterable[tuple[str, int]], sample: Sample) -> frozenset[int]:
    """The rows of a sample of (key, row): those whose digests of seed and key are the smallest.

    They are the same ones whatever their order, and nearly the same ones when records are added.
    """
    salt = str(sample.seed).encode()[:64]
    ranked = ((blake2b(key.encode(), key=salt, digest_size=16).digest(), row) for key, row in keys)
    return frozenset(row for _, row in heapq.nsmallest(sample.n, ranked))


def part_of(spec: Records, found: int, kept: int) -> str:
    """Which part of the records is meant, in words: "5 of 20 records (limit)"; '' for all of them."""
    of = f"{counted(found, 'record')} that records.where keeps" if spec.where else counted(found, "record")
    if kept == found:
        return f"the {of}" if spec.where else ""
    why = [name for name in ("sample", "limit") if getattr(spec, name) is not None]
    return f"{kept:,} of {'the ' if spec.where else ''}{of} ({', '.join(why)})"
