"""Checks: what they let pass, and what they say to the model about the rest."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from pipeline.core import adapters


def said(check: str, answer: str, options: Any) -> str | None:
    module = adapters.load("checks", check)
    complaint: str | None = module.complaint(answer, module.Options.model_validate(options))
    return complaint


def test_all_checks_are_tested_here() -> None:
    assert adapters.names("checks") == ("contains", "excludes", "length")


@pytest.mark.parametrize("answer", ["a TEA b", "tea", "steam tea"])
def test_contains_is_content_in_upper_and_lower_case(answer: str) -> None:
    assert said("contains", answer, "tea") is None
    assert said("contains", answer.upper(), ["tea", "Tea"]) is None


def test_contains_names_all_that_is_missing_and_nothing_else() -> None:
    assert said("contains", "green tea", ["tea", "leaf", "cup"]) == (
        'Your answer must contain "leaf" and "cup". Write it again.'
    )


def test_excludes_names_what_it_found() -> None:
    assert said("excludes", "As an AI, I", ["as an ai", "sorry"]) == (
        'Your answer must not contain "as an ai". Write it again.'
    )
    assert said("excludes", "fine", ["as an ai", "sorry"]) is None
    assert said("excludes", "STRASSE", "straße") is not None


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


@pytest.mark.parametrize(
    ("check", "options"),
    [("length", {"max": 0}), ("length", {"min": -1}), ("length", {"max": True}),
     ("length", {"unit": "lines"}),
     ("length", {"most": 1}), ("length", 5), ("contains", 5), ("contains", {"a": 1}), ("excludes", [1])],
)  # fmt: skip
def test_options_of_the_wrong_kind_are_refused(check: str, options: Any) -> None:
    with pytest.raises(ValidationError):
        said(check, "x", options)
