"""The check of the last line of an answer."""

from __future__ import annotations

import pytest

from tests.support.checks import said

GOOD = ["Cups.\n\nThen tea first.", "# Title\n\nCups.\n\n*Tea  first.*\n", 'Cups.\n\n> "Tea first." he said']
BAD = ["Tea first.\n\nCups.", "", "# Title\n\nTea first.\n\nCups."]


@pytest.mark.parametrize("answer", GOOD)
def test_the_last_line_may_have_markup_and_other_words(answer: str) -> None:
    assert said("ends_with", answer, "tea first.") is None
    assert said("ends_with", answer, ["coffee", "Tea first."]) is None


@pytest.mark.parametrize("answer", BAD)
def test_another_line_does_not_count(answer: str) -> None:
    assert said("ends_with", answer, ["Tea first.", "Tea!"]) == (
        'Your answer must have "Tea first." or "Tea!" in its last line, word for word. Write it again.'
    )


@pytest.mark.parametrize(
    "text", ["Grüner Tee hilft.", "Le thé d’abord.", "¡El té primero!", "茶在先。", "お茶が先です。"]
)
def test_it_is_so_in_every_language(text: str) -> None:
    other = "x\n\ny"
    assert said("ends_with", f"{text}\n\n{other}\n\n{text}", text) is None
    assert said("ends_with", f"{other}\n\n{text}\n\n{other}", text) is not None
