"""Languages: names, tags, scripts, and what a text is written in."""

from __future__ import annotations

import pytest

from pipeline.text.language import chinese_of, named, tag, written_in
from pipeline.text.scripts import scripts, weight
from tests.support.parallel import SENTENCES

MORE = {
    "ar": "افتح صفحة الإعدادات واختر اللغة", "hi": "सेटिंग पेज खोलें और भाषा चुनें",
    "th": "เปิดหน้าการตั้งค่าและเลือกภาษา",
    "he": "פתח את דף ההגדרות ובחר את השפה", "el": "Ανοίξτε τη σελίδα ρυθμίσεων",
    "ta": "அமைப்புகள் பக்கத்தைத் திறக்கவும்",
    "uk": "Відкрийте сторінку налаштувань і виберіть мову",
    "it": "Apri la pagina delle impostazioni e scegli la lingua",
    "pl": "Otwórz stronę ustawień i wybierz język programu", "zh": "我们", "ja": "東京に行く", "ko": "설정",
}  # fmt: skip


@pytest.mark.parametrize(("language", "text"), [*((k, v[0]) for k, v in SENTENCES.items()), *MORE.items()])
def test_the_language_of_a_text(language: str, text: str) -> None:
    assert written_in(text) == language
    assert written_in(text, ("en", language, "zh")) == language


def test_a_text_without_letters_has_no_language() -> None:
    assert [written_in(text) for text in ("", "123", "!?", "…", "\ud800")] == [""] * 5


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
