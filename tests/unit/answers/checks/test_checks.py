"""Checks: what they let pass, and what they say to the model about the rest."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from pipeline.core import adapters
from tests.support.checks import said


def test_every_check_has_a_file_of_tests() -> None:
    tested = {file.stem.removeprefix("test_") for file in Path(__file__).parent.glob("test_*.py")}
    assert set(adapters.names("checks")) == tested - {"checks"}


@pytest.mark.parametrize(
    ("check", "options"),
    [("length", {"min": -1}), ("length", {"max": True}),
     ("length", {"unit": "lines"}),
     ("length", {"most": 1}), ("length", 5), ("contains", 5), ("contains", {"a": 1}), ("excludes", [1])],
)  # fmt: skip
def test_options_of_the_wrong_kind_are_refused(check: str, options: Any) -> None:
    with pytest.raises(ValidationError):
        said(check, "x", options)
