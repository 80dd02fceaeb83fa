"""What is put right in a translation without asking again."""

from __future__ import annotations

import pytest

from pipeline.core.document import Segment
from pipeline.translation import verdict
from pipeline.translation.question import Question


@pytest.mark.parametrize(
    ("source", "answer", "mended"),
    [
        ("A tea", "Ein Tee", "Ein Tee"),
        ("A tea", "```\nEin Tee\n```", "Ein Tee"),
        ("A tea", "```markdown\nEin Tee\n```", "Ein Tee"),
        ("A tea", "Here is the translation:\n\nEin Tee", "Ein Tee"),
        ("A tea", "Sure! Here is the translation:\n```\nEin Tee\n```", "Ein Tee"),
        ("A tea", "Translation: Ein Tee", "Ein Tee"),
        ("Translation: a tea", "Übersetzung: ein Tee", "Übersetzung: ein Tee"),
        ("A tea", '"Ein Tee"', "Ein Tee"),
        ("A tea", "„Ein Tee“", "Ein Tee"),
        ("A tea", "「お茶」", "お茶"),
        ('"A tea"', '"Ein Tee"', '"Ein Tee"'),
        ("A tea", '"Ein" und "Tee"', '"Ein" und "Tee"'),
        ("  A tea\n", "Ein Tee", "  Ein Tee\n"),
        ("A tea", " Ein Tee \n", "Ein Tee"),
        ("A tea", "Tu\u0308r", "Tür"),
        ("Tu\u0308r", "Tu\u0308r", "Tu\u0308r"),
        ("```\ncode\n```", "```\nCode\n```", "```\nCode\n```"),
        ("  ", "x", "  "),
        ("A tea", "", ""),
    ],
)
def test_a_wrapper_is_taken_off_and_nothing_else(source: str, answer: str, mended: str) -> None:
    question = Question(Segment(source), "en", "de")
    assert verdict.mended(question, answer) == mended
    assert verdict.mended(question, mended) == mended
