"""Objects of JSON -> a frame: a column for each name at the top, with a type that holds all its values.

The types come from all objects, not from the first hundred (`_json_types.py` has the rules), so no value is
changed to fit. This module does not know files.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import islice
from types import NoneType
from typing import Any

import polars as pl
from polars.io.plugins import register_io_source

from pipeline.core.dtypes import python_type, value_of
from pipeline.tables._json_types import Shape

ROWS = 512
Objects = Callable[[], Iterator[dict[str, Any]]]  # gives the same objects as often as it is called


def frame_of(objects: Objects) -> pl.LazyFrame | None:
    """The objects as rows; None where none of them has a field."""
    columns: dict[str, Shape] = {}
    for values in objects():
        for name, value in values.items():
            if name not in columns:
                columns[name] = Shape()
            columns[name].see(value)
    schema = pl.Schema({name: shape.dtype for name, shape in columns.items()})

    def frames(
        wanted: list[str] | None, predicate: pl.Expr | None, limit: int | None, _size: int | None
    ) -> Iterator[pl.DataFrame]:
        only = pl.Schema({name: schema[name] for name in wanted or schema})
        rows = islice(objects(), limit)
        while batch := list(islice(rows, ROWS)):
            frame = _frame(batch, only)
            yield frame if predicate is None else frame.filter(predicate)

    return register_io_source(frames, schema=schema) if columns else None


def _frame(batch: list[dict[str, Any]], schema: pl.Schema) -> pl.DataFrame:
    columns = []
    for name, dtype in schema.items():
        values = [row.get(name) for row in batch]
        if not {python_type(dtype), NoneType}.issuperset(map(type, values)):
            values = [value_of(value, dtype) for value in values]
        columns.append(pl.Series(name, values, dtype, strict=True))
    return pl.DataFrame(columns)
