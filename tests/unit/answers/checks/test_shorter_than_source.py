"""The check that an answer is shorter than its source."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from tests.support.checks import said

SOURCE = "The **tea** is good and the cup is new. " * 10


@pytest.mark.parametrize(
    ("words", "options", "good"),
    [
        (90, {"unit": "words"}, True),
        (91, {"unit": "words"}, False),
        (27, {"unit": "words", "share": 0.3}, True),
        (28, {"unit": "words", "share": 0.3}, False),
    ],
)
def test_it_may_have_a_share_of_the_length(words: int, options: dict[str, Any], good: bool) -> None:
    complaint = said("shorter_than_source", "tea " * words, {"source": SOURCE, **options})
    assert (complaint is None) == good


@pytest.mark.parametrize(
    ("answer", "source"),
    [
        ("茶很好", "茶很好喝，也很便宜。"),
        ("お茶", "お茶は美味しい。"),
        ("Tee", "Tee ist gut."),
        ("té", "El té es bueno."),
        ("thé", "Le thé est bon."),
    ],
)
def test_characters_are_counted_where_nothing_else_is_said(answer: str, source: str) -> None:
    assert said("shorter_than_source", answer, {"source": source, "share": 0.5}) is None
    assert said("shorter_than_source", source, {"source": source, "share": 0.5}) is not None


def test_the_complaint_says_by_how_much() -> None:
    assert said("shorter_than_source", "tea " * 60, {"source": SOURCE, "share": 0.5, "unit": "words"}) == (
        "Your answer has 60 words; with the length of its source it may have at most 45. "
        "Shorten it by about 17 words."
    )


def test_the_source_must_be_named() -> None:
    with pytest.raises(ValidationError):
        said("shorter_than_source", "x", True)
