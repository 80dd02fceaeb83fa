"""The check that an answer is not copied."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from tests.support.checks import said
from tests.support.sentences import english, translated

SOURCE = " ".join(english(n) for n in range(7, 11))
OWN = " ".join(
    f"Sentence {n} says something about boats that nobody has ever written before." for n in range(8)
)
EDITS = {"old": "ancient", "before": "until", "during": "in", "river": "stream", "workshop": "office"}


def test_a_copy_that_was_lightly_edited_is_found() -> None:
    edited = SOURCE
    for word, other in EDITS.items():
        edited = edited.replace(word, other)
    complaint = said("original", edited, {"of": [OWN, SOURCE]})
    assert complaint is not None and complaint.endswith("at most 50% may be. Write it in your own words.")
    assert said("original", f"{edited}, and so on", {"of": SOURCE, "most": 0}) is not None


def test_an_own_text_with_a_quotation_is_none() -> None:
    assert said("original", OWN, {"of": SOURCE}) is None
    assert said("original", f"{OWN} {english(7)}", {"of": SOURCE}) is None
    assert said("original", f"{OWN} {english(7)}", {"of": SOURCE, "most": 0.05}) is not None
    assert said("original", translated(SOURCE, "de"), {"of": SOURCE}) is None


@pytest.mark.parametrize(
    ("text", "copied"),
    [
        ("第七号水泵位于河边的旧厂房里。请在打开锅炉房的门之前关上阀门。", True),
        ("我们每年秋天都去湖边散步，看候鸟飞过芦苇荡。", False),
    ],
)
def test_chinese_is_measured_in_characters(text: str, copied: bool) -> None:
    source = (
        "水泵房的第七号水泵位于河边的老厂房里。请在打开锅炉房的门之前关闭阀门。去年冬天我们测量了多次温度。"
    )
    assert (said("original", text, {"of": source}) is not None) == copied


@pytest.mark.parametrize(
    "options", [{}, True, {"of": []}, {"of": "a", "most": 1.1}, {"of": 1}, {"most": 0.5}]
)
def test_it_needs_a_text_to_compare_with(options: object) -> None:
    with pytest.raises(ValidationError):
        said("original", "x", options)
