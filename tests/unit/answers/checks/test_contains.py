"""The check that an answer contains something."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from tests.support.checks import said

SENTENCE = "本文正在参加 ✍🏻 技术视角深入 ChatGPT 征文活动"
MARKED = "“ **本文正在参加** ✍🏻 **技术视角深入ChatGPT征文活动** ”，一起来看看吧。"


@pytest.mark.parametrize("answer", ["a TEA b", "tea", "steam tea"])
def test_contains_is_content_in_upper_and_lower_case(answer: str) -> None:
    assert said("contains", answer, "tea") is None
    assert said("contains", answer.upper(), ["tea", "Tea"]) is None


def test_contains_names_all_that_is_missing_and_nothing_else() -> None:
    assert said("contains", "green tea", ["tea", "leaf", "cup"]) == (
        'Your answer must contain "leaf" and "cup". Write it again.'
    )


@pytest.mark.parametrize(
    ("answer", "text"),
    [
        ("The **green** tea's\ncup", "green tea’s cup"),
        ("Der *grüne*\u00a0Tee", "grüne Tee"),
        ("le thé « vert »", "thé « vert »"),
        ("el **té** verde", "té verde"),
        ("Cafe\u0301", "Café"),
        (MARKED, SENTENCE),
        ("緑の **お茶** です", "緑のお茶です"),
        ("see [the page](https://a.example/x)", "https://a.example/x"),
    ],
)
def test_markup_spaces_and_quotes_make_no_difference(answer: str, text: str) -> None:
    assert said("contains", answer, text) is None


@pytest.mark.parametrize(
    ("answer", "where", "good"),
    [
        (f"{MARKED}\n\n正文。\n\n结尾。", "first_line", True),
        (f"# 标题\n\n{MARKED}\n\n正文。\n\n结尾。", "first_line", True),
        (f"标题\n===\n\n{MARKED}\n\n正文。\n\n结尾。", "first_line", True),
        (f"---\ntitle: 题\n---\n\n# 标题\n\n{MARKED}\n\n正文。", "first_line", True),
        (f"开头。\n\n{MARKED}\n\n正文。\n\n结尾。", "first_line", False),
        (f"开头。\n\n正文。\n\n> {MARKED}\n", "last_line", True),
        (f"开头。\n\n{MARKED}\n\n结尾。", "last_line", False),
        (f"开头。\n\n正文。\n\n{MARKED}", "first_or_last_line", True),
        (f"{MARKED}\n\n正文。", "first_or_last_line", True),
        (f"开头。\n\n{MARKED}\n\n结尾。", "first_or_last_line", False),
        ("", "first_or_last_line", False),
    ],
)
def test_a_sentence_stands_in_its_place(answer: str, where: str, good: bool) -> None:
    complaint = said("contains", answer, {"all": SENTENCE, "where": where})
    assert (complaint is None) == good
    assert good or f'{SENTENCE}" in its {where[:5].removesuffix("_")}' in str(complaint)


def test_one_of_several_is_enough_where_any_is_said() -> None:
    options = {"all": ["tea"], "any": ["cup", "mug"]}
    assert said("contains", "tea in a mug", options) is None
    assert said("contains", "tea in a jug", options) == (
        'Your answer must contain one of these: "cup" or "mug". Write it again.'
    )
    assert said("contains", "a mug", options) == 'Your answer must contain "tea". Write it again.'


@pytest.mark.parametrize("options", [{}, {"where": "last_line"}, {"some": ["a"]}, {"all": [1]}, 5])
def test_other_options_are_refused(options: Any) -> None:
    with pytest.raises(ValidationError):
        said("contains", "x", options)
