"""Checks that no answer can meet, found before anybody is asked."""

from __future__ import annotations

from typing import Any

import pytest

from pipeline.answers.checking import Checks
from pipeline.answers.feasible import unmet_checks

UNMET = {
    "an excluded word": ({"contains": "Tea time", "excludes": "tea"}, "also contains 'tea'"),
    "in a mapping": ({"contains": {"all": "Tea time"}, "excludes": "tea"}, "also contains 'tea'"),
    "a text that is too long": (
        {"contains": "今天天气", "length": {"max": 3, "unit": "han"}},
        "'今天天气', which an answer must contain, is longer than length.max (3)",
    ),
    "too many words": (
        {"length": {"min": 200, "unit": "words"}},
        "200 words (length.min) has no room in 100",
    ),
    "a target": ({"length": {"target": 800}}, "720 characters (length.target) has no room in 100 tokens"),
    "in a field": ({"post.text": {"length": {"min": 900}}}, "900 characters (length.min) has no room"),
}
MET: list[dict[str, Any]] = [
    {},
    {"contains": "start", "excludes": "art"},
    {"contains": {"any": ["tea", "cup"]}, "excludes": "tea"},
    {"contains": "{{ title }} tea", "excludes": "{{ word }}", "length": {"min": "{{ a }}", "max": "{{ b }}"}},
    {"length": {"target": "{{ a }}", "within": "{{ b }}", "unit": "{{ c }}"}},
    {"contains": "**tea**", "length": {"max": 3}},
    {"length": {"min": 500}},
]


def unmet(checks: dict[str, Any]) -> list[str]:
    written = Checks.model_validate(checks).model_dump(exclude_none=True, warnings=False)  # type: ignore[attr-defined]
    return list(unmet_checks(written, 100))


@pytest.mark.parametrize("name", UNMET)
def test_what_cannot_be_met_is_named(name: str) -> None:
    checks, words = UNMET[name]
    assert [words in what for what in unmet(checks)] == [True]


@pytest.mark.parametrize("checks", MET)
def test_what_a_row_may_meet_is_not_named(checks: dict[str, Any]) -> None:
    assert unmet(checks) == []
