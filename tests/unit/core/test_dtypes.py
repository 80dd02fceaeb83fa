"""JSON Schema -> dtypes, and values made fit for them without loss."""

from __future__ import annotations

import polars as pl
import pytest

from pipeline.core.dtypes import dtype_of, value_of


@pytest.mark.parametrize(
    ("schema", "dtype"),
    [
        ({"type": "string"}, pl.String()),
        ({"type": "integer"}, pl.Int64()),
        ({"type": ["number", "null"]}, pl.Float64()),
        ({"anyOf": [{"type": "null"}, {"type": "boolean"}]}, pl.Boolean()),
        ({"enum": ["a", "b"]}, pl.String()),
        ({"const": "a"}, pl.String()),
        ({"type": "array", "items": {"type": "integer"}}, pl.List(pl.Int64())),
        ({"type": "array"}, pl.String()),
        ({"type": "object"}, pl.String()),
        ({"type": "object", "properties": {"b": {"type": "string"}, "a": {"type": "number"}}},
         pl.Struct({"b": pl.String(), "a": pl.Float64()})),
        ({"type": "object", "properties": {"a": {}}, "additionalProperties": True}, pl.String()),
        ({"oneOf": [{"type": "string"}, {"type": "integer"}]}, pl.String()),
        ({"type": ["string", "integer"]}, pl.String()),
        ({}, pl.String()),
    ],
)  # fmt: skip
def test_a_json_schema_has_its_dtype(schema: dict[str, object], dtype: pl.DataType) -> None:
    assert dtype_of(schema) == dtype


@pytest.mark.parametrize(
    ("value", "dtype", "expected"),
    [
        ("x", pl.String(), "x"),
        ({"b": [1, "é"]}, pl.String(), '{"b":[1,"é"]}'),
        (2**80, pl.String(), str(2**80)),
        (3, pl.Float64(), 3.0),
        (2**60, pl.Float64(), float(2**60)),
        (3.0, pl.Int64(), 3),
        ([1, None], pl.List(pl.Float64()), [1.0, None]),
        ({"a": 1}, pl.Struct({"a": pl.Float64(), "b": pl.String()}), {"a": 1.0, "b": None}),
        (None, pl.Int64(), None),
    ],
)
def test_a_value_is_made_fit_without_loss(value: object, dtype: pl.DataType, expected: object) -> None:
    made = value_of(value, dtype)
    assert made == expected
    assert type(made) is type(expected)


@pytest.mark.parametrize(
    ("value", "dtype", "what"),
    [
        (2**63, pl.Int64(), "not a whole number of 64 bits"),
        (1.7, pl.Int64(), "1.7 is not a whole number"),
        (True, pl.Int64(), "true is not a whole number"),
        (2**53 + 1, pl.Float64(), "cannot be held exactly"),
        (10**400, pl.Float64(), "cannot be held exactly"),
        ("1", pl.Float64(), '"1" is not a number'),
        ({"a": 1, "z": 2}, pl.Struct({"a": pl.Int64()}), "a field 'z' that the column does not have"),
        ("x", pl.List(pl.String()), '"x" is not a list'),
    ],
)
def test_a_value_that_would_be_lost_is_refused(value: object, dtype: pl.DataType, what: str) -> None:
    with pytest.raises(ValueError, match=what):
        value_of(value, dtype)
