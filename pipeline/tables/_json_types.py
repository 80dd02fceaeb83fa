"""The dtype that holds everything a column of JSON values was seen to hold.

A column of one kind gets that kind's dtype: Int64, Float64 (also ints and floats together, while every int
is exact as a float), Boolean, String, List, Struct (all fields ever seen, in order of appearance; a missing
one is null). A column of several kinds, of ints beyond 64 bits, or of objects with more than 200 different
fields is text: strings as they are, everything else as its JSON. This module does not know files.
"""

from __future__ import annotations

import polars as pl

from pipeline.core.dtypes import EXACT_IN_FLOAT, INT64

MANY_FIELDS = 200


class Shape:
    """What was seen of one column, or of one place inside its values."""

    __slots__ = ("exact", "fields", "items", "kinds")

    def __init__(self) -> None:
        self.kinds: set[type] = set()
        self.fields: dict[str, Shape] = {}
        self.items: Shape | None = None
        self.exact = True

    def see(self, value: object) -> None:
        """Take one value into account."""
        if value is None:
            return
        kind = type(value)
        self.kinds.add(kind)
        if isinstance(value, dict):
            self._see_fields(value)
        elif isinstance(value, list):
            self.items = self.items or Shape()
            for item in value:
                self.items.see(item)
        elif kind is int and value not in EXACT_IN_FLOAT:
            self.exact = False
            if value not in INT64:
                self.kinds.add(object)

    def _see_fields(self, value: dict[str, object]) -> None:
        for name, part in value.items():
            if name not in self.fields:
                if len(self.fields) == MANY_FIELDS:
                    self.kinds.add(object)
                    return
                self.fields[name] = Shape()
            self.fields[name].see(part)

    @property
    def dtype(self) -> pl.DataType:
        """The dtype for all values seen; String where there was none but null."""
        if self.kinds == {int}:
            return pl.Int64()
        if self.kinds == {float} or (self.kinds == {int, float} and self.exact):
            return pl.Float64()
        if self.kinds == {bool}:
            return pl.Boolean()
        if self.kinds == {list} and self.items is not None:
            return pl.List(self.items.dtype)
        if self.kinds == {dict} and self.fields:
            return pl.Struct({name: shape.dtype for name, shape in self.fields.items()})
        return pl.String()
