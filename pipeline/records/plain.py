"""Columns as Python holds them: times to the microsecond, maps with text keys, no extension types.

This module does not know where the columns come from.
"""

from __future__ import annotations

import polars as pl

from pipeline.core.dtypes import parts, rebuilt


def plain(column: pl.Expr, dtype: pl.DataType) -> pl.Expr | None:
    """The column with its values as Python holds them; None where it has such values already."""
    if not any(isinstance(part, pl.BaseExtension) or _plain_type(part) for part in parts(dtype)):
        return None
    return rebuilt(column, dtype, lambda part, kind: part.cast(_plain_type(kind) or kind))


def _plain_type(dtype: pl.DataType) -> pl.DataType | None:
    """Times to the microsecond, and a list for a map whose keys are no text; None for all else."""
    if isinstance(dtype, pl.Datetime) and dtype.time_unit == "ns":
        return pl.Datetime("us", dtype.time_zone)
    if isinstance(dtype, pl.Duration) and dtype.time_unit == "ns":
        return pl.Duration("us")
    if isinstance(dtype, pl.Map) and dtype.key != pl.String:
        return pl.List(pl.Struct({"key": dtype.key, "value": dtype.value}))
    return None
