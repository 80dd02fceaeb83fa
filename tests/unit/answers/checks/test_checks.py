"""Checks: what they let pass, and what they say to the model about the rest."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from pipeline.core import adapters
from tests.support.checks import said


def test_all_checks_are_tested_here() -> None:
    assert adapters.names("checks") == ("contains", "excludes", "length")


@pytest.mark.parametrize(
    ("check", "options"),
    [("length", {"max": 0}), ("length", {"min": -1}), ("length", {"max": True}),
     ("length", {"unit": "lines"}),
     ("length", {"most": 1}), ("length", 5), ("contains", 5), ("contains", {"a": 1}), ("excludes", [1])],
)  # fmt: skip
def test_options_of_the_wrong_kind_are_refused(check: str, options: Any) -> None:
    with pytest.raises(ValidationError):
        said(check, "x", options)
