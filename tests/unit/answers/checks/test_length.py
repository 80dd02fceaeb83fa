"""The check of the length of an answer."""

from __future__ import annotations

from typing import Any

import pytest

from tests.support.checks import said


@pytest.mark.parametrize(
    ("answer", "options", "good"),
    [("abc", {"max": 3}, True), ("abcd", {"max": 3}, False), ("abc", {"min": 3}, True),
     ("ab", {"min": 3}, False),
     ("a b c", {"max": 3, "unit": "words"}, True), ("a b\nc d", {"max": 3, "unit": "words"}, False),
     ("aaaa", {"max": 1, "unit": "words"}, True), ("", {"min": 1}, False), ("😀", {"max": 1}, True),
     ("", {}, True)],
)  # fmt: skip
def test_length_counts_characters_or_words(answer: str, options: dict[str, Any], good: bool) -> None:
    complaint = said("length", answer, options)
    assert (complaint is None) == good
    assert good or complaint is None or str(next(iter(options.values()))) in complaint
