"""A schema with references gives its fields the types that they name."""

from __future__ import annotations

from typing import Any

import polars as pl
import pytest

from pipeline.answers.shapes.references import inlined
from pipeline.answers.shapes.shape import Shape, schema_of
from pipeline.core.dtypes import dtype_of

DEFS: dict[str, Any] = {
    "score": {"type": "integer", "minimum": 0},
    "maker": {
        "type": "object",
        "properties": {"name": {"type": "string"}, "score": {"$ref": "#/$defs/score"}},
    },
    "tree": {"type": "object", "properties": {"of": {"type": "array", "items": {"$ref": "#/$defs/tree"}}}},
    "a/b": {"type": "boolean"},
    "loop": {"$ref": "#/$defs/loop"},
}
MAKER = pl.Struct({"name": pl.String(), "score": pl.Int64()})


@pytest.mark.parametrize(
    ("field", "dtype"),
    [
        ({"$ref": "#/$defs/score"}, pl.Int64()),
        ({"$ref": "#/$defs/score", "description": "of five"}, pl.Int64()),
        ({"$ref": "#/$defs/maker"}, MAKER),
        ({"type": "array", "items": {"$ref": "#/$defs/maker"}}, pl.List(MAKER)),
        ({"allOf": [{"$ref": "#/$defs/maker"}], "default": None}, MAKER),
        ({"anyOf": [{"$ref": "#/$defs/score"}, {"type": "null"}]}, pl.Int64()),
        ({"$ref": "#/$defs/a~1b"}, pl.Boolean()),
        ({"$ref": "#/$defs/tree"}, pl.Struct({"of": pl.List(pl.String())})),
        ({"$ref": "#/$defs/loop"}, pl.String()),
        ({"$ref": "#/$defs/nowhere"}, pl.String()),
        ({"$ref": "#"}, pl.Struct({"x": pl.String()})),
        ({"allOf": [{"type": "integer"}, {"minimum": 3}]}, pl.String()),
    ],
)
def test_a_field_has_the_type_that_it_refers_to(field: dict[str, Any], dtype: pl.DataType) -> None:
    schema = {"type": "object", "properties": {"x": field}, "$defs": DEFS}
    assert dtype_of(inlined(schema)["properties"]["x"]) == dtype


def test_a_schema_that_is_one_reference_has_the_columns_of_what_it_names() -> None:
    schema = schema_of({"$ref": "#/$defs/maker", "$defs": DEFS})
    assert list(Shape(schema).fields or {}) == ["name", "score"]
    assert Shape(schema).read('{"name": "Ann", "score": 4}') == ({"name": "Ann", "score": 4}, "")
    assert Shape(schema).schema is schema, "it is sent as it was written"


def test_a_field_may_have_the_name_of_a_keyword() -> None:
    names = ("$ref", "allOf", "definitions", "$defs", "properties")
    schema = {"type": "object", "properties": {name: {"type": "integer"} for name in names}}
    assert dtype_of(inlined(schema)) == pl.Struct(dict.fromkeys(names, pl.Int64()))


def test_references_that_double_at_each_level_stay_small() -> None:
    defs: dict[str, Any] = {"0": {"type": "integer"}}
    for n in range(1, 60):
        part = {"$ref": f"#/$defs/{n - 1}"}
        defs[str(n)] = {"type": "object", "properties": {"a": part, "b": part}}
    assert dtype_of(inlined({"$ref": "#/$defs/59", "$defs": defs}))
    assert dtype_of(inlined({"$ref": "#/$defs/4", "$defs": defs})) == dtype_of(
        {
            "type": "object",
            "properties": {
                "a": inlined({"$ref": "#/$defs/3", "$defs": defs}),
                "b": inlined({"$ref": "#/$defs/3", "$defs": defs}),
            },
        }
    )


def test_a_schema_without_references_is_itself() -> None:
    schema = {"type": "object", "properties": {"a": {"type": "integer"}}}
    assert inlined(schema) is schema
