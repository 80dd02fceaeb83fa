"""Makes cells that no spreadsheet reads as a formula: text that could begin one gets an apostrophe first.

The beginnings are those of OWASP's "CSV Injection" and ASVS 1.2.10, and a line feed. A number that is written
as text, such as -5.3, is no formula and stays. This module does not know formats.
"""

from __future__ import annotations

import polars as pl

from pipeline.core.dtypes import flat

BEGINNINGS = "=+-@\t\r\n\0＝＋－＠"
_FORMULA = r"\A[=+\-@\t\r\n\x00＝＋－＠]"
_NUMBER = r"\A[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?\z"
_WORDS = (pl.String, pl.Categorical, pl.Enum)


def tame_frame(frame: pl.DataFrame) -> pl.DataFrame:
    """The frame with lists and objects as text, and with no formula in a cell or in the header."""
    plain = flat(frame)
    tamed = (_tame(column) if isinstance(column.dtype, _WORDS) else column for column in plain.get_columns())
    return plain.with_columns(tamed).rename(dict(zip(plain.columns, _names(plain.columns), strict=True)))


def tame_schema(schema: pl.Schema) -> pl.Schema:
    """The schema with the names that such frames have; the types stay."""
    return pl.Schema(zip(_names(list(schema)), schema.dtypes(), strict=True))


def _names(names: list[str]) -> list[str]:
    """The header's cells, no two alike."""
    found: dict[str, None] = {}
    for name in names:
        cell = f"'{name}" if name.startswith(tuple(BEGINNINGS)) else name
        while cell != name and (cell in found or cell in names):
            cell = f"'{cell}"
        found[cell] = None
    return list(found)


def _tame(column: pl.Series) -> pl.Series:
    texts = column.cast(pl.String)
    begins = texts.str.contains(_FORMULA) & ~texts.str.contains(_NUMBER)
    return pl.select(
        pl.when(begins).then(pl.lit("'") + texts).otherwise(texts).alias(column.name)
    ).to_series()
