"""Columns as Python holds them; and `records.types`: columns that are read as another type.

    {price: float, zip: string}

Nothing is guessed and nothing is lost: a cell that is no value of the type is an error with its place. An
empty text is null in every type but `string`. This module does not know files.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import polars as pl

from pipeline.core.dtypes import parts, rebuilt
from pipeline.core.errors import InputError, JobError
from pipeline.core.suggest import nearest
from pipeline.job.files import ColumnType

_ROW = "\x00row"
_BOOLEANS = {"true": True, "false": False, "yes": True, "no": False, "1": True, "0": False}
_DATETIMES = ("%Y-%m-%dT%H:%M:%S%.f", "%Y-%m-%d %H:%M:%S%.f", "%Y-%m-%dT%H:%M", "%Y-%m-%d %H:%M")
_DTYPES: dict[ColumnType, pl.DataType] = {
    "string": pl.String(),
    "integer": pl.Int64(),
    "float": pl.Float64(),
    "decimal_comma": pl.Float64(),
    "boolean": pl.Boolean(),
    "date": pl.Date(),
    "datetime": pl.Datetime("us"),
}
DECIMAL_COMMA = "^[+-]?([1-9][0-9]{0,2}([. ’'\u00a0\u202f][0-9]{3})+|[0-9]+)(,[0-9]+)?$"
"""a number with a comma before its decimals, and points, spaces or apostrophes between its thousands"""
_FROM_TEXT: dict[ColumnType, Callable[[pl.Expr], pl.Expr]] = {
    "integer": lambda text: text.cast(pl.Int64, strict=False),
    "float": lambda text: _finite(text.cast(pl.Float64, strict=False)),
    "decimal_comma": lambda text: pl.when(text.str.contains(DECIMAL_COMMA)).then(
        _finite(
            text.str.replace_all("[. ’'\u00a0\u202f]", "")
            .str.replace(",", ".")
            .cast(pl.Float64, strict=False)
        )
    ),
    "boolean": lambda text: text.str.to_lowercase().replace_strict(
        _BOOLEANS, default=None, return_dtype=pl.Boolean
    ),
    "date": lambda text: text.str.to_date("%Y-%m-%d", strict=False),
    "datetime": lambda text: pl.coalesce(
        *(text.str.to_datetime(form, time_unit="us", strict=False) for form in _DATETIMES),
        text.str.to_date("%Y-%m-%d", strict=False).cast(pl.Datetime("us")),
    ),
}
_EXAMPLES = {
    "integer": "12",
    "float": "12.5, with a point; records.types has decimal_comma for 12,5",
    "decimal_comma": "1.250,00 or 1250,00",
    "boolean": "true or false",
    "date": "2026-11-22",
    "datetime": "2026-11-22T18:40:03",
}


def plain(column: pl.Expr, dtype: pl.DataType) -> pl.Expr | None:
    """The column with its values as Python holds them; None where it has such values already.

    Times go to the microsecond, maps have text keys, and there are no extension types.
    """
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


def typed(
    scan: pl.LazyFrame, types: Mapping[str, ColumnType], private: tuple[str, ...], at: Callable[[int], str]
) -> pl.LazyFrame:
    """The scan with these columns as these types; `InputError` for the first cell that is no such value."""
    schema = scan.collect_schema()
    for name in types:
        if name not in schema:
            hint = nearest(name, schema) or f"columns: {', '.join(schema)}"
            raise JobError(f"there is no column '{name}'", where="records.types", hint=hint)
        if schema[name].is_nested():
            what = f"the column '{name}' is {schema[name]}, which cannot be read as another type"
            raise JobError(what, where="records.types")
    changed = {name: _converted(name, schema[name], kind) for name, kind in types.items()}
    wrong = {name: _filled(name, schema[name], types[name]) & one.is_null() for name, one in changed.items()}
    if wrong:
        first = scan.with_row_index(_ROW, offset=1).filter(pl.any_horizontal(wrong.values())).head(1)
        checked = first.with_columns(one.alias(f"{_ROW}{name}") for name, one in wrong.items()).collect()
        for row in checked.iter_rows(named=True):
            name = next(name for name in wrong if row[f"{_ROW}{name}"])
            shown = "a value" if name in private else f"'{str(row[name])[:60]}'"
            what = f"the column '{name}' holds {shown}, which is no {types[name]}"
            hint = f"such a value is written {_EXAMPLES[types[name]]}" if types[name] in _EXAMPLES else ""
            raise InputError(what, where=at(row[_ROW]), hint=hint)
    return scan.with_columns(one.alias(name) for name, one in changed.items())


def _converted(name: str, dtype: pl.DataType, kind: ColumnType) -> pl.Expr:
    column = pl.col(name)
    if dtype == pl.String and kind in _FROM_TEXT:
        return _FROM_TEXT[kind](column.str.strip_chars())
    whole = column.cast(_DTYPES[kind], strict=False)
    if kind == "integer" and dtype.is_float():
        return pl.when(whole == column).then(whole)
    return whole


def _filled(name: str, dtype: pl.DataType, kind: ColumnType) -> pl.Expr:
    column = pl.col(name)
    text = dtype == pl.String and kind != "string"
    return column.is_not_null() & (column.str.strip_chars() != "" if text else True)


def _finite(number: pl.Expr) -> pl.Expr:
    return pl.when(number.is_finite()).then(number)
