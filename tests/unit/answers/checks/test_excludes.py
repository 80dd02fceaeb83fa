"""The check that an answer does not contain something."""

from __future__ import annotations

import pytest

from tests.support.checks import said


def test_excludes_names_what_it_found() -> None:
    assert said("excludes", "As an AI, I", ["as an ai", "sorry"]) == (
        'Your answer must not contain "as an ai". Write it again.'
    )
    assert said("excludes", "fine", ["as an ai", "sorry"]) is None
    assert said("excludes", "STRASSE", "straße") is not None


@pytest.mark.parametrize(
    ("answer", "text", "found"),
    [
        ("a fresh start", "art", False),
        ("the art of tea", "art", True),
        ("(Art!)", "art", True),
        ("tea-time", "tea", True),
        ("teas", "tea", False),
        ("As *an* AI", "as an AI", True),
        ("as\nan\u00a0AI", "as an AI", True),
        ("it’s here", "it's", True),
        ("Essex", "sex", False),
        ("Überraschung", "über", False),
        ("der Tee, über den", "über", True),
        ("l'été dernier", "été", True),
        ("compléter", "été", False),
        ("¿Sinceramente?", "sinceramente", True),
        ("作为AI助手", "AI", True),
        ("作为人工智能", "人工智能", True),
        ("AIDS 治疗", "AI", False),
        ("このお茶は最高です", "最高", True),
        ("yes — no", "—", True),
        ("yes - no", "—", False),
        ("**bold**", "**", True),
        ("bold", "**", False),
        ("a “quote”", "“", True),
        ('a "quote"', "“", False),
    ],
)
def test_words_are_whole_words_and_signs_are_signs(answer: str, text: str, found: bool) -> None:
    assert (said("excludes", answer, text) is not None) == found
