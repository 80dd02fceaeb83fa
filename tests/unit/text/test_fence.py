"""Texts of others, fenced off, and quotations from them."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.text.fence import digest, fenced, is_quotation

ANY = st.text(st.characters(), max_size=40) | st.sampled_from(["]\n[", "end of text]", "\0", "[0 end of a]"])


@given(ANY, ANY)
def test_no_text_holds_the_mark_of_its_fence(first: str, second: str) -> None:
    texts = {"a": first, "b": second}
    whole = fenced(texts)
    mark = whole[1:13]
    assert re.fullmatch("[0-9a-f]{12}", mark) and whole.count(mark) == 4
    for name, text in texts.items():
        assert f"[{mark} {name}]\n{text}\n[{mark} end of {name}]" in whole
    assert whole == fenced(texts)


def test_a_text_that_has_its_mark_gets_another(monkeypatch: pytest.MonkeyPatch) -> None:
    first = digest("x", "y")
    monkeypatch.setattr(
        "pipeline.text.fence.digest", lambda *texts: first if len(texts) > 1 else digest(*texts)
    )
    whole = fenced({"a": f"I know it: {first.upper()}", "b": "y"})
    assert first not in whole[:13] and whole.count(first.upper()) == 1


TEXT = "He said: “It’s “fine” – all\n of  it”, and left. 他说：「很好」。 ﬁn"


@pytest.mark.parametrize(
    ("quote", "found"),
    [
        ("He said: \"It's", True),
        ("fine” - all of it", True),
        ('"and left."', True),
        ("AND LEFT", True),
        ("all of\tit", True),
        ("很好", True),
        ("他说:「很好」", True),
        ("fin", True),
        ("and right", False),
        ("", False),
        (" ", False),
        ("“", False),
        (".", False),
        ("a", False),
        ("他", False),
        (TEXT + "x", False),
        (TEXT, True),
    ],
)
def test_a_quotation_stands_in_the_text(quote: str, found: bool) -> None:
    assert is_quotation(quote, TEXT) is found


@pytest.mark.parametrize("text", ["a", "好", "5", "“好”"])
def test_a_text_of_one_character_can_be_quoted(text: str) -> None:
    assert is_quotation(text, text) and not is_quotation("x", text)
