"""How long translations are."""

from __future__ import annotations

from itertools import permutations

import pytest

from pipeline.text.language import tag
from pipeline.translation.bands import band

LANGUAGES = ("en", "zh", "ja", "ko", "de", "ru", "hi", "th", "vi", "sw", "xx", "xx-Cyrl", "zh-Hant", "pt-BR")


@pytest.mark.parametrize("pair", list(permutations(LANGUAGES, 2)), ids="-".join)
def test_a_band_is_in_order_and_the_other_way_round_is_its_inverse(pair: tuple[str, str]) -> None:
    there, back = band(tag(pair[0]), tag(pair[1])), band(tag(pair[1]), tag(pair[0]))
    assert 0 < there.least < there.low < there.high < there.most
    assert there.least * back.most == pytest.approx(1) or pair[0][:2] == pair[1][:2]


def test_a_measured_pair_is_as_it_was_measured() -> None:
    assert band(tag("en"), tag("zh-CN")).low == 0.50
    assert band(tag("zh"), tag("en")).low == pytest.approx(1 / 1.27)
