"""Languages: names, tags and scripts."""

from __future__ import annotations

import pytest

from pipeline.text.language import chinese_of, named, tag
from pipeline.text.scripts import scripts, weight


@pytest.mark.parametrize(
    ("name", "language", "script", "chinese"),
    [
        ("zh-Hant-TW", "zh", "Hani", "Hant"), ("zh_CN", "zh", "Hani", "Hans"), ("zh", "zh", "Hani", ""),
        ("ZH-hk", "zh", "Hani", "Hant"), ("pt_BR", "pt", "Latn", ""), ("sr", "sr", "Cyrl", ""),
        ("sr-Latn", "sr", "Latn", ""), ("nb", "no", "Latn", ""), ("ja", "ja", "Kana", ""),
        ("ko-Kore", "ko", "Hang", ""), ("", "", "Latn", ""),
    ],
)  # fmt: skip
def test_a_tag_is_taken_apart(name: str, language: str, script: str, chinese: str) -> None:
    found = tag(name)
    assert (found.language, found.script, found.chinese) == (language, script, chinese)


def test_a_name_for_a_prompt() -> None:
    assert [named(name) for name in (" de ", "pt-BR", "tlh")] == [
        "German (de)", "Brazilian Portuguese (pt-BR)", "tlh",
    ]  # fmt: skip


def test_scripts_and_their_weights() -> None:
    assert scripts("a茶ア안я1 %") == {"Latn": 1, "Hani": 1, "Kana": 1, "Hang": 1, "Cyrl": 1}
    assert weight("abc 茶") == 6
    assert (chinese_of("我们来说"), chinese_of("我們來說"), chinese_of("tea")) == ((3, 0), (0, 3), (0, 0))
