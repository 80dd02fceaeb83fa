"""The check of JSON by a schema."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from pipeline.answers.complaints import to_a_person
from tests.support.checks import said

SCHEMA = {
    "type": "object",
    "properties": {"price": {"type": "number", "minimum": 0}, "tags": {"type": "array", "maxItems": 2}},
    "required": ["price"],
}


@pytest.mark.parametrize(
    "answer",
    ['{"price": 1}', '```json\n{"price": 1, "tags": []}\n```', {"price": 2.5}, ' {"price": 0, "x": 1} '],
)
def test_what_fits_passes_as_text_in_a_fence_or_as_a_value(answer: Any) -> None:
    assert said("json_schema", answer, SCHEMA) is None


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        ("no", "is not JSON"),
        ('{"price": -1}', "at price: "),
        ('{"price": "1"}', "at price: "),
        ("[]", "does not fit"),
        ('{"price": 1, "tags": [1, 2, 3]}', "at tags: "),
        ({"tags": []}, "price"),
        ('{"price": 1', "is not JSON"),
        (5, "does not fit"),
        ("[" * 100_000, "is not JSON"),
        ('{"price": NaN}', "is not JSON"),
        ("", "is not JSON"),
    ],
)
def test_what_does_not_fit_is_told(answer: Any, words: str) -> None:
    complaint = said("json_schema", answer, SCHEMA)
    assert complaint is not None and complaint.startswith("Your answer ") and words in complaint
    assert "Answer again" not in to_a_person(complaint) and "(char " not in to_a_person(complaint)


def test_the_short_form_of_an_answer_is_a_schema_too() -> None:
    assert said("json_schema", '{"title": "a"}', {"title": "string"}) is None
    assert said("json_schema", '{"title": 1}', {"title": "string"}) is not None


def test_a_text_is_itself_where_the_schema_wants_a_string() -> None:
    schema = {
        "type": "string",
        "pattern": "^[A-Z]{3}-[0-9]+$",
        "$schema": "https://json-schema.org/draft/2020-12/schema",
    }
    assert said("json_schema", "ABC-12", schema) is None
    assert said("json_schema", "abc", schema) is not None


@pytest.mark.parametrize(
    "schema", [{"type": "objekt", "properties": {}}, {}, "x", {"$ref": "https://example.org/a.json"}]
)
def test_a_wrong_schema_and_one_from_elsewhere_are_refused(schema: Any) -> None:
    with pytest.raises(ValidationError):
        said("json_schema", "{}", schema)
