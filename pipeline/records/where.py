"""`records.where`: a SQL condition over the columns, evaluated by polars.

In a text format every column is text. A column that the condition treats as a number is read as one for the
condition alone: of all ways to read text columns as numbers, the first that fits with the fewest columns. A
cell that is no number is null there, so its row is not chosen. The rows themselves stay as written.
This module does not know files or records.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from itertools import chain, combinations

import polars as pl
from polars.exceptions import PanicException, PolarsError

from pipeline.core.errors import JobError
from pipeline.core.suggest import nearest

WHERE = "records.where"
MANY = 8
_SLIPS = {"&&": "and", "||": "or", "!": "<>"}  # signs of other languages, and what SQL has for them
_DECIMAL = re.compile(
    r"""('(?:[^']|'')*'|"(?:[^"]|"")*")|(?<![\w.])(?:[0-9]+\.[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?"""
)


def chosen(frame: pl.LazyFrame, schema: pl.Schema, condition: str) -> pl.LazyFrame:
    """The rows for which the condition is true; a `JobError` for one that cannot be evaluated."""
    expression = _parsed(condition)
    columns = list(dict.fromkeys(expression.meta.root_names()))
    _check_names(columns, schema)
    numbers = _numbers(condition, columns, schema)
    kept = {name: f"\x00{name}" for name in numbers}
    return (
        frame.with_columns(pl.col(name).alias(other) for name, other in kept.items())
        .with_columns(pl.col(name).str.strip_chars().cast(pl.Float64, strict=False) for name in numbers)
        .filter(expression)
        .with_columns(pl.col(other).alias(name) for name, other in kept.items())
        .drop(kept.values())
    )


def no_numbers(frame: pl.LazyFrame, schema: pl.Schema, condition: str) -> list[tuple[str, int, str]]:
    """(column, how many, the first) of the cells that are no numbers, of columns that it reads as numbers."""
    columns = list(dict.fromkeys(_parsed(condition).meta.root_names()))
    numbers = _numbers(condition, columns, schema)
    wanted = []
    for name in numbers:
        text = pl.col(name).str.strip_chars()
        wrong = (text != "") & text.cast(pl.Float64, strict=False).is_null()
        wanted += [wrong.sum(), pl.col(name).filter(wrong).first()]
    cells = (
        frame.select(one.alias(str(place)) for place, one in enumerate(wanted)).collect().row(0)
        if wanted
        else ()
    )
    found = zip(numbers, cells[::2], cells[1::2], strict=True)
    return [(name, count, first) for name, count, first in found if count]


def _parsed(condition: str) -> pl.Expr:
    try:
        return pl.sql_expr(condition)
    except (PolarsError, PanicException) as error:
        slips = (sign for sign in _SLIPS if sign in condition)
        hint = "".join(f"write {_SLIPS[sign]} instead of {sign}; " for sign in slips)
        hint += "for example: price > 0 and lang = 'en'"
        raise JobError("this is not an SQL condition", where=WHERE, hint=hint) from error


def _check_names(columns: Iterable[str], schema: pl.Schema) -> None:
    for name in columns:
        if name not in schema:
            quoted = f"columns: {', '.join(schema)}; text stands in single quotes: '{name}'"
            raise JobError(f"there is no column '{name}'", where=WHERE, hint=nearest(name, schema) or quoted)


def _numbers(condition: str, columns: list[str], schema: pl.Schema) -> tuple[str, ...]:
    """The text columns to be read as numbers."""
    expression = _parsed(_strict(condition))
    text = [name for name in columns if schema[name] == pl.String]
    sizes = range(len(text) + 1) if len(text) <= MANY else (0, 1, 2, len(text))
    for names in chain.from_iterable(combinations(text, size) for size in sizes):
        trial = pl.Schema({**schema, **dict.fromkeys(names, pl.Float64())})
        try:
            trial.to_frame().lazy().filter(expression).collect()
        except (PolarsError, PanicException):
            continue
        return names
    hint = "; ".join(f"{name} is {schema[name]}" for name in columns) or "name a column in it"
    raise JobError("the condition does not fit the columns' types", where=WHERE, hint=hint)


def _strict(condition: str) -> str:
    """The condition with 1 for every decimal: polars would compare text with 9.5 as text, but not with 1."""
    return _DECIMAL.sub(lambda found: found.group(1) or "1", condition)
