"""An edited text is found again among others; what is far off is not."""

from __future__ import annotations

from difflib import SequenceMatcher

import pytest

from pipeline.text.similar import LEAST, LONGEST, Similar
from tests.support.sentences import english


@pytest.mark.parametrize("n", range(8))
def test_the_most_similar_text_is_found_and_is_similar(n: int) -> None:
    text = english(n).replace("the ", "that ")
    found = Similar([english(i) for i in range(8)]).to(text)
    assert found is not None
    ratios = {other: SequenceMatcher(None, other, text).ratio() for other in map(english, range(8))}
    assert ratios[found] >= max(LEAST, ratios[english(n)])


@pytest.mark.parametrize("text", ["", "x", english(1), "Something else altogether.", "a" * (LONGEST + 1)])
def test_nothing_is_found_for_the_text_itself_and_for_others(text: str) -> None:
    assert Similar([text, "zzz", ""]).to(text) is None
