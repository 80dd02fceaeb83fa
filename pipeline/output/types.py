"""Every type that a column can have, and what becomes of it in a template and in each format.

This module does not know values, nor how a format is written.
"""

from __future__ import annotations

from pathlib import Path

import polars as pl

from pipeline.core.dtypes import parts
from pipeline.core.errors import JobError
from pipeline.system.files import adapter_name

FORMATS = ("template", "csv", "jsonl", "parquet", "xlsx")
_TEXT, _NUMBER, _NESTED = (
    ("text", "text", "text", "as it is", "text"),
    ("number", "number", "number", "as it is", "number"),
    ("list or object", "JSON text", "list or object", "as it is", "JSON text"),
)
_WIDE = (*_NUMBER[:4], "number, or text beyond 15 digits")
TYPES: dict[str, tuple[str, ...]] = {
    **dict.fromkeys(("String", "Categorical", "Enum"), _TEXT),
    "Boolean": ("true or false", "text", "true or false", "as it is", "true or false"),
    **dict.fromkeys(("Int8", "Int16", "Int32", "UInt8", "UInt16", "UInt32"), _NUMBER),
    **dict.fromkeys(("Int64", "Int128", "UInt64", "UInt128"), _WIDE),
    **dict.fromkeys(("Float16", "Float32", "Float64"), _NUMBER),
    "Decimal": ("number", "number", "text", "as it is", "text"),
    **dict.fromkeys(("Date", "Datetime", "Time"), ("text", "text", "text", "as it is", "date")),
    "Duration": ("text", "text", "text", "as it is", "text"),
    **dict.fromkeys(("List", "Array", "Struct", "Map"), _NESTED),
    "Null": ("empty",) * 5,
    "Binary": ("", "", "", "as it is", ""),
    "Object": ("",) * 5,
    "Unknown": ("",) * 5,
}
"""every type of polars, and what becomes of it in each of `FORMATS`; '' where it is refused

An extension type is read as the type that it is stored as, so it is not here.
"""


def refused(dtype: pl.DataType, form: str) -> pl.DataType | None:
    """The type, or the part of it, that a format cannot hold; None where it can."""
    for part in parts(dtype):
        there = TYPES.get(type(part).__name__, ("",) * 5)[FORMATS.index(form)]
        empty = isinstance(part, pl.Struct) and not part.fields and form == "parquet"
        if not there or empty or (isinstance(part, pl.Map) and part.key != pl.String):
            return part
    return None


_ALIKE = {"tsv": "csv", "json": "jsonl", "ods": "xlsx"}


def check_types(target: Path, schema: pl.Schema) -> None:
    """Raise a `JobError` for a column that the target's format cannot hold."""
    name = adapter_name(target)[0]
    for column, dtype in schema.items():
        part = refused(dtype, _ALIKE.get(name, name))
        if part is not None:
            held = "bytes" if part == pl.Binary else f"values of the type {part}"
            formats = [form for form in FORMATS[1:] if refused(dtype, form) is None]
            hint = f"write a .{formats[0]} file" if formats else "leave the column out of the records"
            what = f"the column '{column}' holds {held}, which {target.name} cannot hold"
            raise JobError(what, where="output.to", hint=hint)
