"""The check that an answer contains something."""

from __future__ import annotations

import pytest

from tests.support.checks import said


@pytest.mark.parametrize("answer", ["a TEA b", "tea", "steam tea"])
def test_contains_is_content_in_upper_and_lower_case(answer: str) -> None:
    assert said("contains", answer, "tea") is None
    assert said("contains", answer.upper(), ["tea", "Tea"]) is None


def test_contains_names_all_that_is_missing_and_nothing_else() -> None:
    assert said("contains", "green tea", ["tea", "leaf", "cup"]) == (
        'Your answer must contain "leaf" and "cup". Write it again.'
    )
