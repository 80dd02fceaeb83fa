"""A first look at a table that somebody wants to use: its columns, its size, and what could be its key.

Whether a column can be the key is what a run would say of it. This module does not know job files.
"""

from __future__ import annotations

import re
from dataclasses import asdict, dataclass, field
from pathlib import Path
from unicodedata import combining, normalize

import polars as pl

from pipeline.core import adapters
from pipeline.core.contracts import AS_IT_IS
from pipeline.core.errors import InputError
from pipeline.job.files import Records
from pipeline.records.source import Source, open_rows
from pipeline.system.files import adapter_name, reading

Settings = dict[str, str | int]
_NAMES = ("id", "sku", "key", "slug", "uuid", "guid", "isbn", "ean", "gtin", "asin", "code", "handle")
_NUMBERS = (
    "no", "no.", "nr", "nr.", "num", "number", "nummer", "artikel", "artikelnr", "artikelnummer", "art.-nr.",
    "numero", "n°", "ref", "reference", "referencia", "codigo", "codice", "kod",
    "编号", "序号", "番号", "номер", "код",
)  # fmt: skip
"""the same where it is a number that people give, in the commonest languages, without accents"""
_ENDINGS = ("id", "_no", "_nr", "_key", "_code", "number", "nummer", "编号", "番号")
_SPECIAL = (pl.Binary, pl.Object, pl.Null, pl.Duration)
_LATER = ("name", "title", "url", "email")
_ID_LIKE, _ANY = len(_NAMES), 100
_WORD = re.compile(rb"[^\s,;|\"]*[\x80-\xff][^\s,;|\"]*")
MOST_GUESSES = 8  # columns that are tried: each reads the table once


@dataclass(frozen=True)
class FirstLook:
    """What a table holds."""

    rows: int
    columns: tuple[str, ...]
    words: tuple[str, ...]
    """the columns that belong into a prompt: text, numbers, dates, but not the key where it is an id"""
    key: str
    """a column that is never empty and different in every row; '' where none was found"""
    settings: Settings = field(default_factory=dict)
    """what `records` must say, besides the file, so that the table is read: its separator, its encoding"""
    doubted: str = ""
    """a word of the table, where its encoding is only a guess: are its letters right?"""


def look_at(path: Path) -> FirstLook:
    """Look at a table; raises what is wrong with it, as a run would."""
    spec, settings, source = _opened(path)
    plain = [name for name, dtype in source.schema.items() if not (dtype.is_nested() or dtype in _SPECIAL)]
    key = next((name for name in _guesses(source.schema) if _is_key(spec, path, name)), "")
    words = tuple(name for name in plain if name != key or _rank(name) > _ID_LIKE)
    doubted = _doubted(path, str(settings.get("encoding", "")))
    return FirstLook(source.total(), tuple(source.schema), words or tuple(plain), key, settings, doubted)


def _opened(path: Path) -> tuple[Records, Settings, Source]:
    """The table as its suffix says it is, or else as the first guess that reads it; with the settings for it.

    The error is that of the likeliest guess.
    """
    plain = {"from": str(path.absolute())}
    first: InputError | None = None
    try:
        spec = Records.model_validate(plain)
        return spec, {}, open_rows(spec, path.parent)
    except InputError as error:
        unread = error
    usual = asdict(AS_IT_IS)
    for guess in adapters.load("tables", adapter_name(path)[0]).guesses(path) if path.is_file() else ():
        settings: Settings = {name: value for name, value in asdict(guess).items() if value != usual[name]}
        spec = Records.model_validate(plain | settings)
        try:
            return spec, settings, open_rows(spec, path.parent)
        except InputError as error:
            first = first or error
    raise first or unread


def _doubted(path: Path, encoding: str) -> str:
    """A word whose letters show whether a guessed encoding is right; '' where it is Unicode's."""
    if not encoding or encoding.startswith("utf"):
        return ""
    with reading(path) as stream:
        word = next((found[0] for line in stream if (found := _WORD.search(line))), b"")
    return word.decode(encoding, "replace")[:60]


def _guesses(schema: pl.Schema) -> list[str]:
    """Columns that may be the key, the likeliest first. A column of any other name counts only as text."""
    able = [name for name, dtype in schema.items() if dtype.is_integer() or isinstance(dtype, pl.String)]
    named = [name for name in able if _rank(name) < _ANY or isinstance(schema[name], pl.String)]
    return sorted(named, key=_rank)[:MOST_GUESSES]


def _rank(name: str) -> int:
    accents = normalize("NFKD", name.strip().lower().replace(" ", "_").replace("º", "°"))
    plain = normalize("NFC", "".join(letter for letter in accents if not combining(letter)))
    if plain in _NAMES:
        return _NAMES.index(plain)
    if plain in _NUMBERS or plain.endswith(_ENDINGS):
        return _ID_LIKE
    return _ID_LIKE + 1 + _LATER.index(plain) if plain in _LATER else _ANY


def _is_key(spec: Records, path: Path, name: str) -> bool:
    try:
        open_rows(spec.model_copy(update={"key": (name,)}), path.parent)
    except InputError:
        return False
    return True
