"""The check of the length of an answer."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from tests.support.checks import said

MARKED = "---\ntitle: x\n---\n# Tea\n\n**Green** tea: see [the page](https://example.com/a) or https://example.com.\n"


@pytest.mark.parametrize(
    ("answer", "options", "good"),
    [("abc", {"max": 3}, True), ("abcd", {"max": 3}, False), ("abc", {"min": 3}, True),
     ("ab", {"min": 3}, False),
     ("a b c", {"max": 3, "unit": "words"}, True), ("a b\nc d", {"max": 3, "unit": "words"}, False),
     ("aaaa", {"max": 1, "unit": "words"}, True), ("", {"min": 1}, False), ("😀", {"max": 1}, True),
     ("今天天气很好。", {"min": 6, "unit": "han"}, True),
     ("今天天气很好。", {"min": 7, "unit": "han"}, False),
     ("今天天气很好。", {"min": 7, "unit": "words"}, True),
     ("a b", {"max": 2, "unit": "nonspace"}, True), ("Eins. Zwei.", {"min": 3, "unit": "sentences"}, False),
     ("👩‍👩‍👧", {"max": 1, "unit": "graphemes"}, True), ("👩‍👩‍👧", {"max": 1, "unit": "x_weighted"}, False)],
)  # fmt: skip
def test_length_counts_in_its_unit(answer: str, options: dict[str, Any], good: bool) -> None:
    complaint = said("length", answer, options)
    assert (complaint is None) == good
    assert good or complaint is None or str(next(iter(options.values()))) in complaint


@pytest.mark.parametrize(("unit", "length"), [("words", 7), ("characters", 32), ("nonspace", 25)])
def test_markup_front_matter_and_addresses_do_not_count(unit: str, length: int) -> None:
    assert said("length", MARKED, {"min": length, "max": length, "unit": unit}) is None


def test_a_post_at_x_counts_as_it_is_written() -> None:
    text = "see https://example.com/a/long/address **now**"
    assert said("length", text, {"min": 35, "max": 35, "unit": "x_weighted"}) is None


@pytest.mark.parametrize(
    ("words", "options", "order"),
    [
        (380, {"target": 500}, "it needs at least 450. Expand it by about 120 words."),
        (700, {"target": 500}, "it may have at most 550. Shorten it by about 200 words."),
        (449, {"target": 500, "within": 0.1}, "it needs at least 450. Expand it by about 51 words."),
        (450, {"target": 500}, None),
        (550, {"target": 500}, None),
        (300, {"min": 400, "max": 410}, "it needs at least 400. Expand it by about 110 words."),
        (80, {"min": 100}, "it needs at least 100. Expand it by about 25 words."),
        (120, {"max": 100}, "it may have at most 100. Shorten it by about 25 words."),
        (120, {"min": 99, "max": 100}, "it may have at most 100. Shorten it by about 21 words."),
    ],
)
def test_the_complaint_says_by_how_much(words: int, options: dict[str, Any], order: str | None) -> None:
    complaint = said("length", "tea " * words, {"unit": "words", **options})
    assert complaint == (order and f"Your answer has {words} words; {order}")


@pytest.mark.parametrize(
    "options",
    [{"target": 5, "min": 1}, {"target": 0}, {"max": 0}, {"min": 5, "max": 4}, {"unit": "pages"},
     {"within": 2, "target": 1}, {"min": "5 words"}],
)  # fmt: skip
def test_bounds_that_nothing_meets_are_refused(options: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        said("length", "x", options)
