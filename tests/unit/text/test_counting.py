"""Every counter against a table of known texts, worked out by hand or by the public rules of a platform."""

from __future__ import annotations

import random

import pytest

from pipeline.text.counting import count

COUNTED = {
    "": (0, 0, 0, 0, 0, 0, 0),
    "tea": (3, 3, 0, 1, 3, 1, 3),
    "The tea is good. It isn't cold!": (31, 25, 0, 7, 31, 2, 31),
    "well-known e.g. 3.5 %": (21, 18, 0, 4, 21, 1, 21),
    "Mr. Smith drank 3.5 litres. Why?": (32, 27, 0, 6, 32, 2, 32),
    "Café au lait": (12, 10, 0, 3, 12, 1, 12),
    "Cafe\u0301 au lait": (13, 11, 0, 3, 12, 1, 12),
    "今天天气很好。": (7, 7, 6, 7, 7, 1, 14),
    "他说：“你好。”": (8, 8, 4, 8, 8, 1, 14),
    "我用 ChatGPT 写了 3 篇文章！": (20, 16, 7, 10, 20, 1, 28),
    "人々は〇を書く": (7, 7, 4, 7, 7, 1, 14),
    "𠮷野家で𩸽を食べた": (9, 9, 5, 9, 9, 1, 18),
    "お茶は美味しい。コーヒーも好き。": (16, 16, 4, 16, 16, 2, 32),
    "차는 좋다. 물도 좋다.": (13, 10, 0, 4, 13, 2, 21),
    "Чай хороший. Вода тоже.": (23, 20, 0, 4, 23, 2, 23),
    "😀": (1, 1, 0, 1, 1, 0, 2),
    "👩‍👩‍👧‍👦 family": (14, 13, 0, 2, 8, 1, 9),
    "🇩🇪🇫🇷": (4, 4, 0, 1, 2, 0, 4),
    "✍🏻 writes": (9, 8, 0, 2, 8, 1, 9),
    "1️⃣ first": (9, 8, 0, 2, 7, 1, 8),
    "❤️ tea ©": (8, 6, 0, 3, 7, 1, 8),
    "a\r\nb": (4, 2, 0, 2, 3, 2, 4),
    "क्षत्रिय": (8, 8, 0, 1, 3, 1, 8),
    "สวัสดี": (6, 6, 0, 1, 4, 1, 6),
    "“quoted” – yes…": (15, 13, 0, 3, 15, 1, 16),
    "日本語とEnglishの混在です。": (17, 17, 5, 11, 17, 1, 27),
    "See https://example.com/a/very/long/path?with=query": (51, 50, 0, 2, 51, 1, 27),
    "see example.com today": (21, 19, 0, 3, 21, 1, 33),
    "等等……还有——茶": (9, 9, 5, 9, 9, 1, 16),
    "他说“好”，走了": (8, 8, 5, 8, 8, 1, 14),
}
UNITS = ("characters", "nonspace", "han", "words", "graphemes", "sentences", "x_weighted")


@pytest.mark.parametrize("text", COUNTED)
def test_a_text_is_as_long_as_people_and_platforms_say(text: str) -> None:
    assert {unit: count(text, unit) for unit in UNITS} == dict(zip(UNITS, COUNTED[text], strict=True))


@pytest.mark.parametrize(
    ("unit", "text", "length"),
    [
        ("mastodon", "see https://example.com/a/very/long/path/indeed now", 31),
        ("mastodon", "@tea@social.example hello 👩‍👩‍👧‍👦", 12),
        ("threads", "tea 😀", 8),
        ("threads", "茶 tea", 5),
        ("utf16", "tea 😀", 6),
        ("x_weighted", "a@b.com is no link", 18),
        ("x_weighted", "茶https://t.co/x。", 27),
        ("x_weighted", "x" * 280, 280),
        ("x_weighted", "https://de.wikipedia.org/wiki/Köln", 23),
        ("x_weighted", "https://ru.wikipedia.org/wiki/Москва", 23),
        ("x_weighted", "(https://en.wikipedia.org/wiki/Tea_(drink))", 25),
        ("x_weighted", "shop.example.store/tea tea.jp", 47),
        ("x_weighted", "茶は tea.jp を見て", 35),
        ("x_weighted", "看tea.cn吧", 27),
        ("x_weighted", "#tea.com @tea.com $TEA.CA a.m. Node.js", 38),
        ("x_weighted", "茶" * 140, 280),
        ("x_weighted", "🧑‍🚒" * 140, 280),
    ],
)
def test_a_platform_counts_in_its_own_way(unit: str, text: str, length: int) -> None:
    assert count(text, unit) == length


def test_graphemes_are_those_of_another_implementation() -> None:
    regex = pytest.importorskip("regex")
    signs = "ab\r\n é漢か각🇩🇪🇨👩🏽❤\u200d\ufe0f\u0301\u0308\u3099\u0e33\u0903\u1100\u1161\u11a8\u0600ñ©"
    dice = random.Random(5)
    for _ in range(3_000):
        text = "".join(dice.choices(signs, k=dice.randint(1, 12)))
        assert count(text, "graphemes") == len(regex.findall(r"\X", text)), ascii(text)
