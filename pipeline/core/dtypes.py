"""JSON Schema -> polars dtypes, and Python values converted to a dtype without loss.

Where a schema leaves open what a value is (oneOf, free-form objects, no type), the column is text: strings
as they are, anything else as its JSON. This module does not know where the values go.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any

import orjson
import polars as pl

from pipeline.core.errors import PipelineError, own_words

INT64 = range(-(2**63), 2**63)
EXACT_IN_FLOAT = range(-(2**53), 2**53 + 1)

_SCALARS: dict[str, pl.DataType] = {
    "string": pl.String(),
    "integer": pl.Int64(),
    "number": pl.Float64(),
    "boolean": pl.Boolean(),
}


def dtype_of(schema: Mapping[str, Any]) -> pl.DataType:
    """The dtype that holds every value the schema allows; String where no other does."""
    schema = _without_null(schema)
    kind = schema.get("type")
    if isinstance(kind, str) and kind in _SCALARS:
        return _SCALARS[kind]
    if kind == "array" and isinstance(schema.get("items"), Mapping):
        return pl.List(dtype_of(schema["items"]))
    if kind == "object" and schema.get("properties") and not schema.get("patternProperties"):
        if schema.get("additionalProperties", False) is not False:
            return pl.String()
        return pl.Struct({name: dtype_of(part) for name, part in schema["properties"].items()})
    return pl.String()


def _without_null(schema: Mapping[str, Any]) -> Mapping[str, Any]:
    """The schema of the values that are not null."""
    kind = schema.get("type")
    if isinstance(kind, list):
        kinds = [name for name in kind if name != "null"]
        return {**schema, "type": kinds[0] if len(kinds) == 1 else None}
    for word in ("anyOf", "oneOf"):
        choices = schema.get(word)
        if isinstance(choices, list) and {"type": "null"} in choices and len(choices) == 2:
            return _without_null(next(choice for choice in choices if choice != {"type": "null"}))
    return schema


def value_of(value: object, dtype: pl.DataType) -> object:
    """`value`, read from JSON, as the Python value a column of `dtype` takes; None stays None.

    A value that is no string becomes JSON text in a String column, an int becomes a float in a Float64 one
    where that is exact. Raises ValueError, with a sentence, for a value the column cannot hold.
    """
    if value is None:
        return None
    if isinstance(dtype, pl.String):
        return value if isinstance(value, str) else json_text(value)
    if isinstance(dtype, pl.List) and isinstance(value, list):
        inner = _instance(dtype.inner)
        return [value_of(item, inner) for item in value]
    if isinstance(dtype, pl.Struct) and isinstance(value, dict):
        return _struct_value(value, dtype)
    return _number_value(value, dtype)


def _struct_value(value: dict[str, object], dtype: pl.Struct) -> dict[str, object]:
    fields = {field.name: _instance(field.dtype) for field in dtype.fields}
    for name in value:
        if name not in fields:
            raise ValueError(f"the object has a field '{name}' that the column does not have")
    return {name: value_of(value.get(name), inner) for name, inner in fields.items()}


def _number_value(value: object, dtype: pl.DataType) -> object:
    number = isinstance(value, int | float) and not isinstance(value, bool)
    if isinstance(dtype, pl.Float64) and number:
        if isinstance(value, int) and value not in EXACT_IN_FLOAT and not _exact(value):
            raise ValueError(f"{_short(value)} cannot be held exactly as a floating-point number")
        return float(value)  # type: ignore[arg-type]
    if isinstance(dtype, pl.Int64) and number:
        if isinstance(value, float) and value.is_integer():  # JSON Schema counts 1.0 among the integers
            value = int(value)
        if isinstance(value, int) and value in INT64:
            return value
        raise ValueError(f"{_short(value)} is not a whole number of 64 bits")
    if fits(dtype)(value):
        return value
    raise ValueError(f"{_short(value)} is not {_article(dtype)}")


def _exact(value: int) -> bool:
    try:
        return int(float(value)) == value
    except OverflowError:
        return False


def json_text(value: object) -> str:
    """Compact JSON; NaN and the infinities, which JSON cannot write, become null."""
    try:
        return orjson.dumps(value, default=_plain).decode()
    except TypeError:  # an int of more than 64 bits, or a lone surrogate
        import json

        return json.dumps(value, ensure_ascii=False, separators=(",", ":"), default=_plain)


def cell_text(value: Any) -> str:
    """A value as the text formats write it: a number, and a text of the same digits, give the same."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, datetime | time):
        return value.isoformat(timespec="microseconds")
    if isinstance(value, date):
        return value.isoformat()
    return json_text(value) if isinstance(value, Mapping | list) else str(value)


def _plain(value: object) -> object:
    """A value that JSON cannot write, as text."""
    if isinstance(value, timedelta | Decimal):
        return str(value)
    raise TypeError(f"a value of type {type(value).__name__} has no JSON")


_PYTHON: tuple[tuple[Callable[[pl.DataType], bool], type], ...] = (
    (lambda dtype: dtype.is_integer(), int),
    (lambda dtype: dtype.is_float(), float),
    (lambda dtype: dtype.is_decimal(), Decimal),
    (lambda dtype: isinstance(dtype, pl.String | pl.Categorical | pl.Enum), str),
    (lambda dtype: isinstance(dtype, pl.Boolean), bool),
    (lambda dtype: isinstance(dtype, pl.Datetime), datetime),
    (lambda dtype: isinstance(dtype, pl.Date), date),
    (lambda dtype: isinstance(dtype, pl.Time), time),
    (lambda dtype: isinstance(dtype, pl.Duration), timedelta),
    (lambda dtype: isinstance(dtype, pl.Binary), bytes),
)


@contextmanager
def polars_words(error: Callable[[str], PipelineError]) -> Iterator[None]:
    """Whatever polars refuses inside, its panics too, becomes the error that is made of its first line.

    A panic is no `Exception` of Python's, so nothing else would stop it on its way to the user.
    """
    try:
        yield
    except (pl.exceptions.PolarsError, pl.exceptions.PanicException, RuntimeError, ValueError) as reason:
        raise error(first_line(reason)) from reason


def first_line(error: BaseException | None) -> str:
    """The first line of a library's message, in our own words where they are known."""
    return own_words((str(error).strip().splitlines() or ["no reason is given"])[0])[:200]


def rebuilt(
    column: pl.Expr, dtype: pl.DataType, change: Callable[[pl.Expr, pl.DataType], pl.Expr]
) -> pl.Expr:
    """The column with every part of it changed that is no list, object or extension type."""
    if isinstance(dtype, pl.Struct):
        fields = [(field.name, _instance(field.dtype)) for field in dtype.fields]
        new = {name: rebuilt(pl.field(name), part, change) for name, part in fields}
        return column.struct.with_fields(**new)
    if isinstance(dtype, pl.List):
        return column.list.eval(rebuilt(pl.element(), _instance(dtype.inner), change))
    if isinstance(dtype, pl.Array):
        return column.arr.eval(rebuilt(pl.element(), _instance(dtype.inner), change))
    if isinstance(dtype, pl.BaseExtension):
        return rebuilt(column.ext.storage(), _instance(dtype.ext_storage()), change)
    return change(column, dtype)


def parts(dtype: pl.DataType) -> Iterator[pl.DataType]:
    """The type, and all types inside it."""
    yield dtype
    inner: list[Any] = [dtype.inner] if isinstance(dtype, pl.List | pl.Array) else []
    inner += [field.dtype for field in dtype.fields] if isinstance(dtype, pl.Struct) else []
    inner += [dtype.value] if isinstance(dtype, pl.Map) else []
    inner += [dtype.ext_storage()] if isinstance(dtype, pl.BaseExtension) else []
    for part in inner:
        yield from parts(_instance(part))


def python_type(dtype: pl.DataType) -> type | None:
    """The one Python type of a flat dtype's values; None for a nested dtype."""
    return next((kind for test, kind in _PYTHON if test(dtype)), None)


def fits(dtype: pl.DataType) -> Callable[[object], bool]:
    """A test whether a Python value is of that dtype as it stands, with nothing cast or left out."""
    flat = python_type(dtype)
    if flat is not None:
        return lambda value: value is None or type(value) is flat
    if isinstance(dtype, pl.List | pl.Array):
        inner = fits(_instance(dtype.inner))
        return lambda value: value is None or (type(value) is list and all(map(inner, value)))
    if isinstance(dtype, pl.Map):
        held, named = fits(_instance(dtype.value)), fits(_instance(dtype.key))
        return lambda value: (
            value is None
            or (type(value) is dict and all(map(named, value)) and all(map(held, value.values())))
        )
    if isinstance(dtype, pl.Struct):
        tests = {field.name: fits(_instance(field.dtype)) for field in dtype.fields}
        return lambda value: (
            value is None
            or (
                type(value) is dict
                and all(name in tests and tests[name](part) for name, part in value.items())
            )
        )
    return lambda value: value is None


def _instance(dtype: Any) -> pl.DataType:
    made: pl.DataType = dtype() if isinstance(dtype, type) else dtype
    return made


def _article(dtype: pl.DataType) -> str:
    names = {
        pl.Int64: "a whole number",
        pl.Float64: "a number",
        pl.Boolean: "true or false",
        pl.List: "a list",
    }
    return names.get(type(dtype), "an object" if isinstance(dtype, pl.Struct) else f"of type {dtype}")


def _short(value: object) -> str:
    text = json_text(value)
    return text if len(text) <= 60 else text[:57] + "..."


def flat(frame: pl.DataFrame) -> pl.DataFrame:
    """Lists and objects as JSON text, spans of time in ISO 8601 ("PT1M30S"), all else as it is."""
    return frame.with_columns(
        _flat(column)
        for column in frame.get_columns()
        if column.dtype.is_nested() or isinstance(column.dtype, pl.Duration)
    )


def _flat(column: pl.Series) -> pl.Series:
    if isinstance(column.dtype, pl.Duration):
        return column.dt.to_string("iso")
    texts = [None if value is None else json_text(value) for value in column.to_list()]
    return pl.Series(column.name, texts, pl.String)
