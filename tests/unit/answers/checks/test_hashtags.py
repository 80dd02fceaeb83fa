"""The check of hashtags."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from tests.support.checks import said


@pytest.mark.parametrize(
    ("answer", "options", "good"),
    [
        ("Tea #tea #Cup", {"min": 2, "max": 2}, True),
        ("Tea #tea", {"min": 2}, False),
        ("Tea #a1 #b2 #c3", {"max": 2}, False),
        ("Der #Grüntee hilft", {"min": 1, "max": 1}, True),
        ("Le #thé_vert, l’#été", {"min": 2, "max": 2}, True),
        ("El #té ¡ya! #año", {"min": 2, "max": 2}, True),
        ("茶 #绿茶 #健康生活", {"min": 2, "max": 2}, True),
        ("お茶 ＃緑茶 #茶道", {"min": 2, "max": 2}, True),
        ("the #1 choice of 2026, #2 too", {"max": 0}, True),
        ("# Title\n\nText", {"max": 0}, True),
        ("https://a.example/#part and a#b and &#39;", {"max": 0}, True),
        ("#Tea and #tea", True, False),
        ("#ÉTÉ #été", True, False),
        ("#cup # GreenTea", True, False),
        ("## Tea\n\n# Title\n\n#tea", True, True),
        ("press the # key", True, True),
        ("Text.\n\n#tea #cup", {"place": "end"}, True),
        ("Text. #tea, #cup 🍵", {"place": "end"}, True),
        ("The #tea is good. #cup", {"place": "end"}, False),
        ("#tea #cup Text.", {"place": "end"}, False),
        ("#tea #cup Text.", {"place": "start"}, True),
        ("Text #tea.", {"place": "start"}, False),
        ("Text.\n#tea #cup", {"place": "end", "own_line": True}, True),
        ("Text. #tea", {"own_line": True}, False),
        ("", {"place": "end"}, True),
    ],
)
def test_hashtags_are_counted_placed_and_unique(answer: str, options: Any, good: bool) -> None:
    assert (said("hashtags", answer, options) is None) == good


def test_the_complaint_says_what_to_do() -> None:
    assert said("hashtags", "#tea", {"min": 3}) == "Your answer has 1 hashtags. Use at least 3 hashtags."
    assert said("hashtags", "a #tea b", {"place": "end"}) == (
        "Your answer has hashtags inside the text. Put all hashtags at its end."
    )


def test_a_range_that_nothing_meets_is_refused() -> None:
    with pytest.raises(ValidationError, match="swap them"):
        said("hashtags", "x", {"min": 3, "max": 2})
