"""A first look at a table that somebody wants to use: its columns, its size, and what could be its key.

Whether a column can be the key is what a run would say of it. This module does not know job files.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import polars as pl

from pipeline.core.errors import InputError
from pipeline.job.files import Records
from pipeline.records.source import open_records

_NAMES = ("id", "sku", "key", "slug", "uuid", "guid", "isbn", "ean", "gtin", "asin", "code", "handle")
_ENDINGS = ("id", "_no", "_nr", "_key", "_code", "number")
_SPECIAL = (pl.Binary, pl.Object, pl.Null, pl.Duration)
_LATER = ("name", "title", "url", "email")
_ID_LIKE, _ANY = len(_NAMES), 100
MOST_GUESSES = 8  # columns that are tried: each reads the table once


@dataclass(frozen=True)
class FirstLook:
    """What a table holds."""

    rows: int
    columns: tuple[str, ...]
    words: tuple[str, ...]
    """the columns that belong into a prompt: text, numbers, dates, but not the key where it is an id"""
    key: str  # a column that is never empty and different in every row; '' where none was found


def look_at(path: Path) -> FirstLook:
    """Look at a table; raises what is wrong with it, as a run would."""
    spec = Records.model_validate({"from": str(path.absolute())})
    source = open_records(spec, path.parent)
    if len(source.schema) == 1 and set(next(iter(source.schema))) & set(";\t|"):
        hint = "are the cells separated by something other than commas?"
        raise InputError("there is only one column", where=str(path), hint=hint)
    plain = [name for name, dtype in source.schema.items() if not (dtype.is_nested() or dtype in _SPECIAL)]
    key = next((name for name in _guesses(source.schema) if _is_key(spec, path, name)), "")
    words = tuple(name for name in plain if name != key or _rank(name) > _ID_LIKE)
    return FirstLook(source.total(), tuple(source.schema), words or tuple(plain), key)


def _guesses(schema: pl.Schema) -> list[str]:
    """Columns that may be the key, the likeliest first. A column of any other name counts only as text."""
    able = [name for name, dtype in schema.items() if dtype.is_integer() or isinstance(dtype, pl.String)]
    named = [name for name in able if _rank(name) < _ANY or isinstance(schema[name], pl.String)]
    return sorted(named, key=_rank)[:MOST_GUESSES]


def _rank(name: str) -> int:
    plain = name.strip().lower().replace(" ", "_")
    if plain in _NAMES:
        return _NAMES.index(plain)
    if plain.endswith(_ENDINGS):
        return _ID_LIKE
    return _ID_LIKE + 1 + _LATER.index(plain) if plain in _LATER else _ANY


def _is_key(spec: Records, path: Path, name: str) -> bool:
    try:
        open_records(spec.model_copy(update={"key": (name,)}), path.parent)
    except InputError:
        return False
    return True
