"""Shapes of JSON answers, and what is said to a model whose answer does not fit."""

from __future__ import annotations

import json
import re
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.answers.shapes.shape import Shape, schema_of

DRAFT = "https://json-schema.org/draft/2020-12/schema"


def shape(**fields: Any) -> Shape:
    return Shape(schema_of(fields))


def complaint(of: Shape, text: str) -> str:
    value, said = of.read(text)
    assert value is None
    assert said.startswith("Your ")
    assert "Answer again" in said
    return said


def test_a_short_shape_is_a_strict_schema_in_the_order_of_its_fields() -> None:
    schema = schema_of({"z": "string", "a": ["integer"], "m": {"x": "boolean"}})
    assert list(schema["properties"]) == ["z", "a", "m"]
    assert schema["required"] == ["z", "a", "m"]
    assert schema["additionalProperties"] is False
    assert schema["properties"]["a"] == {"type": "array", "items": {"type": "integer"}}
    assert schema["properties"]["m"]["additionalProperties"] is False


@pytest.mark.parametrize(
    "full", [{"type": "object", "properties": {"a": {}}}, {"$schema": DRAFT}, {"type": "array", "items": {}}]
)
def test_a_full_schema_is_taken_as_it_is(full: dict[str, Any]) -> None:
    assert schema_of(full) == full


@pytest.mark.parametrize(
    "wrong",
    [{}, [], None, "string", 5, {"a": "str"}, {"a": 5}, {"a": []}, {"a": ["string", "string"]}, {"a": {}},
     {"a": None}, {"a": {"b": ["x"]}}, {"type": "object", "properties": 5}, {"type": "nope",
     "properties": {}},
     {"$schema": DRAFT, "pattern": "("}, {"$schema": "http://127.0.0.1:9/none"}],
)  # fmt: skip
def test_what_is_no_shape_is_refused_with_a_sentence(wrong: Any) -> None:
    with pytest.raises(ValueError, match=r"."):
        schema_of(wrong)


@pytest.mark.parametrize(
    "uri", ["http://127.0.0.1:9/x", "https://127.0.0.1:9/x", "file:///etc/hostname", "other.json"]
)
def test_no_reference_is_ever_fetched(uri: str) -> None:
    with pytest.raises(ValueError, match="nothing is fetched"):
        schema_of({"$schema": DRAFT, "$id": "http://x.invalid/", "$ref": uri})


@pytest.mark.parametrize("target", ["#/$defs/none", "#/none", "#none"])
def test_a_reference_to_nothing_is_named(target: str) -> None:
    with pytest.raises(
        ValueError, match=rf"a \$ref names '{re.escape(target.lstrip('#'))}', which is not in"
    ):
        schema_of({"$schema": DRAFT, "properties": {"a": {"$ref": target}}})


def test_a_reference_inside_the_schema_holds() -> None:
    of = Shape(schema_of({"$schema": DRAFT, "$ref": "#/$defs/a", "$defs": {"a": {"type": "integer"}}}))
    assert of.read("5")[0] is not None
    assert complaint(of, '"x"')


def test_the_innermost_wrong_type_is_named_with_its_path() -> None:
    with pytest.raises(ValueError, match=r"'strin' at a\.b\[\]"):
        schema_of({"a": {"b": ["strin"]}})


@pytest.mark.parametrize(
    "text",
    [
        '{"a":"x"}',
        ' {"a":"x"} ',
        '```json\n{"a":"x"}\n```',
        '```\n{"a":"x"}\n```',
        '\n```json\n{"a":"x"}```\n',
    ],
)
def test_json_is_read_with_and_without_a_fence(text: str) -> None:
    assert shape(a="string").read(text) == ({"a": "x"}, "")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "Sure! {}",
        '{"a":',
        "{'a': 'x'}",
        '{"a":NaN}',
        '{"a":Infinity}',
        "[" * 100_000,
        "\ud800",
        '{"a":"x"} {"a":"y"}',
        '{"a":"x"} {"b":"y"}',
        '{"a":"x"} {"a":"y"',
        '{"b":{"a":"x"},"c":',
    ],
)
def test_what_is_no_json_is_said_to_the_model(text: str) -> None:
    assert "not JSON" in complaint(shape(a="string"), text)


@pytest.mark.parametrize(
    "text", ['{"a":5}', "{}", "[]", "null", '{"a":null}', '{"a":"x","b":1}', '"a"', '{"a":["x"]}']
)
def test_what_does_not_fit_is_said_to_the_model(text: str) -> None:
    assert "does not fit" in complaint(shape(a="string"), text)


@pytest.mark.parametrize("depth", [100, 254, 255, 256, 500, 900, 1000])
def test_a_deep_answer_is_a_complaint_or_a_value_and_no_crash(depth: int) -> None:
    for of in (shape(a="string"), Shape(schema_of({"$schema": DRAFT}))):
        for text in ("[" * depth + "]" * depth, '{"a":' * depth + "1" + "}" * depth):
            value, said = of.read(text)
            assert (value is None) == bool(said)


@pytest.mark.parametrize(
    "text", ['{"\\ud800":"b"}', '{"a":"\\ud83d"}', '{"a":"\ud800"}', '{"a":5,"\\udfff":1}']
)
def test_lone_surrogates_are_a_complaint_or_a_value_that_a_prompt_can_carry(text: str) -> None:
    value, said = shape(a="string").read(text)
    assert (value is None) == bool(said)
    orjson.dumps([value, said])  # raises where it cannot be sent


@pytest.mark.parametrize("digits", [19, 20, 30, 400, 5000])
def test_a_number_beyond_64_bits_has_no_place_in_a_column_of_integers(digits: int) -> None:
    assert complaint(shape(a="integer"), '{"a":' + "9" * digits + "}")


def test_complaints_are_few_and_short_and_name_their_paths() -> None:
    said = complaint(
        shape(a="string", b={"c": "integer"}, d="string", e="string"), '{"a":1,"b":{"c":"x"},"d":1,"e":1}'
    )
    assert "at a: " in said
    assert said.count(";") == 2
    assert len(complaint(shape(a="integer"), '{"a":"' + "x" * 10_000 + '"}')) < 500


def test_fields_of_a_closed_object_only_become_columns() -> None:
    assert list(shape(b="string", a="integer").fields or {}) == ["b", "a"]
    assert Shape({"type": "array", "items": {}}).fields is None
    opened = {"type": "object", "properties": {"a": {}}, "additionalProperties": True}
    assert Shape(opened).fields is None


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("abc"), inner, max_size=3),
    max_leaves=10,
)


@given(JSON | st.text(max_size=40))
def test_any_answer_is_a_value_or_a_complaint(value: Any) -> None:
    import json

    for text in (json.dumps(value), str(value)):
        read, said = shape(a="string", b=["integer"], c={"a": "number"}).read(text)
        assert (read is None) == bool(said)


TWICE = Shape(schema_of({"name": "string", "parts": [{"size": "integer"}]}))


@pytest.mark.parametrize(
    "text",
    [
        '{"name": "a", "name": "b", "parts": []}',
        '{"name": "a", "parts": [{"size": 1, "size" : 1}]}',
        '```json\n{"name": "a", "parts": [], "na\\u006de": "b"}\n```',
        '{"name": "\\ud800", "name": "b", "parts": []}',
    ],
)
def test_a_key_that_stands_twice_in_one_object_is_sent_back(text: str) -> None:
    value, complaint = TWICE.read(text)
    assert value is None
    assert "stands twice in one object" in complaint


def test_quotes_and_colons_in_a_text_are_no_key_that_stands_twice() -> None:
    answer = {"name": 'he said "name": "name" : yes', "parts": [{"size": 1}, {"size": 2}]}
    assert TWICE.read(json.dumps(answer)) == (answer, "")
