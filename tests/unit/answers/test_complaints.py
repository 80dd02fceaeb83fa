"""A complaint is one for the model, and the same without orders for a person."""

from __future__ import annotations

import pytest

from pipeline.answers import asking
from pipeline.answers.checks import contains, excludes, length
from pipeline.answers.complaints import to_a_person
from pipeline.answers.shape import Shape, schema_of
from pipeline.steps import translate

SHAPE = Shape(schema_of({"title": "string"}))
COMPLAINTS = [
    contains.complaint("a", contains.Options.model_validate(["tea", "Your answer"])),
    excludes.complaint("tea", excludes.Options.model_validate("tea")),
    length.complaint("one two", length.Options(max=1)),
    length.complaint("one two", length.Options(min=100, unit="words")),
    SHAPE.read("no JSON")[1],
    SHAPE.read('{"title": 1}')[1],
    translate.complaint("one two three", "one two three"),
    translate.complaint("a {name} here", "ein name hier"),
    translate.complaint("text", "text http://example.org"),
    asking._MALFORMED,
]


@pytest.mark.parametrize("complaint", COMPLAINTS)
def test_a_person_is_not_given_orders(complaint: str) -> None:
    said = to_a_person(complaint)
    assert said.startswith("the ") and "our answer" not in said.partition('"')[0] and not said.endswith(".")
    assert not any(
        order in said for order in ("Answer again", "Write it", "Translate it", "Keep them", "Leave")
    )


def test_each_of_several_complaints_is_told() -> None:
    said = to_a_person(" ".join(str(one) for one in COMPLAINTS[1:3]))
    assert said == ('the answer must not contain "tea". The answer has 7 characters; it may have at most 1')


def test_what_is_quoted_is_not_changed() -> None:
    assert '"Your answer"' in to_a_person(str(COMPLAINTS[0]))
