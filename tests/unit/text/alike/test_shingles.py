"""What of a text counts when it is compared with others."""

from __future__ import annotations

import pytest

from pipeline.text.alike.shingles import opening, shingles


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Fresh tea, every day!", "fresh TEA every day"),
        ("✨ Fresh tea 🎉 every day 🚀", "Fresh tea every day"),
        ("我们喜欢喝茶。", "我们，喜欢喝茶！"),
        ("ＦＲＥＳＨ tea", "fresh tea"),
        ("ชาสด ทุกวัน", "ชาสดทุกวัน"),
        ("# Fresh\n\n*tea*", "Fresh tea"),
    ],
)
def test_case_signs_and_emoji_do_not_count(one: str, other: str) -> None:
    assert shingles(one).tolist() == shingles(other).tolist()


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("", 0),
        ("tea", 1),
        ("!!", 1),
        ("green tea", 1),
        ("a b a b", 2),
        ("我们喝茶", 3),
        ("喝tea茶", 2),
    ],
)
def test_a_shingle_is_a_pair_of_words_or_of_characters_without_spaces(text: str, count: int) -> None:
    assert len(shingles(text)) == count


def test_hashes_are_the_same_on_every_machine() -> None:
    assert shingles("Fresh tea every day").tolist() == [2575774106, 3017315222, 3809864486]


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("# Discover the Tea!\nMore", "Discover the Tea"),
        ("Tea", "Tea"),
        ("我们喜欢喝茶，每天", "我们喜欢喝茶"),
        ("我们，喜欢喝茶", "我们，喜欢喝茶"),
        ("🎉", ""),
    ],
)
def test_an_opening_is_three_words_or_six_characters(text: str, written: str) -> None:
    assert opening(text)[1] == written
