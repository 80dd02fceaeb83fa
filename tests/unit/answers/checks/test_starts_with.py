"""The check of the first line of an answer."""

from __future__ import annotations

import pytest

from tests.support.checks import said

GOOD = [
    "Tea first. Then cups.\n\nCups.",
    "# Title\n\n*Tea  first.*\n\nCups.",
    '> "Tea first." he said\n\nCups.',
]
BAD = ["Cups.\n\nTea first.", "", "# Title\n\nCups.\n\nTea first."]


@pytest.mark.parametrize("answer", GOOD)
def test_the_first_line_may_have_markup_and_other_words(answer: str) -> None:
    assert said("starts_with", answer, "tea first.") is None
    assert said("starts_with", answer, ["coffee", "Tea first."]) is None


@pytest.mark.parametrize("answer", BAD)
def test_another_line_does_not_count(answer: str) -> None:
    assert said("starts_with", answer, ["Tea first.", "Tea!"]) == (
        'Your answer must have "Tea first." or "Tea!" in its first line, word for word. Write it again.'
    )


@pytest.mark.parametrize(
    "text", ["Grüner Tee hilft.", "Le thé d’abord.", "¡El té primero!", "茶在先。", "お茶が先です。"]
)
def test_it_is_so_in_every_language(text: str) -> None:
    other = "x\n\ny"
    assert said("starts_with", f"{text}\n\n{other}\n\n{text}", text) is None
    assert said("starts_with", f"{other}\n\n{text}\n\n{other}", text) is not None
