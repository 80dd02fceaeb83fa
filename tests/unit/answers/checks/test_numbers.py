"""The check that figures come from the record."""

from __future__ import annotations

import time
from random import Random
from typing import Any

import pytest

from tests.support.checks import said

RECORD = {
    "price": 1234.5, "stock": 48, "share": 0.25, "sold": 1_200_000, "from": "2024-05-03", "size": "3.5 km",
    "note": "共有三百二十五页，二〇一九年出版",
    "release": "version 21.40.17, model Qwen2.55",
    "dimensions": {"width": "1.250 mm", "tags": ["No. 77", None, True]},
}  # fmt: skip
GIVEN = """\
It costs 1,234.50 dollars
Sie kostet 1.234,50 Euro
Elle coûte 1 234,5 euros
Elle coûte 1\u202f234,50 euros
Sie kostet 1'234.50 Franken
There are 48 of them, 25% were sold, 25 percent, 0.25, 25 Prozent
1.2 million were sold, 1,200,000, 1.200.000, 12,00,000, 1,2 Millionen, 1,2 Mio., 120万
On 3 May 2024, on 03.05.2024, on 5/3/2024, on 2024-05-03
It is 3.5 km or 3,5km or 3.50 km
本书共三百二十五页，也就是325页
它于2019年出版
It is 1250 mm wide, or 1.25 (whatever)
No. 77 and the COVID-19 of the MP3 in A4
Since v21.40.17, with Qwen2.55 and GPT-4.15
1. First\n2. Second\n11. Eleventh\n12) Twelfth
It has three parts, 2 doors and 10 windows
See https://example.org/2031/17 and `x = 99`
٤٨ or ４８""".splitlines()
NEW = {
    "It costs 1,234.60 dollars": "1,234.60",
    "There are 49 of them": "49",
    "26% were sold": "26",
    "1.3 million were sold": "1.3",
    "On 4 June 2023": "2023",
    "It is 4.5 km, 11 and 12": "4.5, 11, 12",
    "本书共三百二十六页": "三百二十六",
    "Since v21.41 of it": "21.41",
    "At 17:45 on 01.02.1987": "17:45, 01.02.1987",
}


@pytest.mark.parametrize("text", GIVEN)
def test_figures_of_the_record_are_known_in_any_spelling(text: str) -> None:
    assert said("numbers", text.replace("\\n", "\n"), values=RECORD) is None


@pytest.mark.parametrize(("text", "named"), NEW.items())
def test_other_figures_are_named(text: str, named: str) -> None:
    complaint = said("numbers", text, values=RECORD)
    assert complaint == (
        f"Your answer has figures that you were not given: {named}. Use only figures that you were given."
    )


def test_where_figures_come_from_and_which_are_free_are_options() -> None:
    text = "It costs 20 euros since 1999"
    assert said("numbers", text, prompt="Since 1999, for 20 euros") is None
    assert said("numbers", text, {"from": "1999", "small": 20}, {"price": 3}) is None
    assert said("numbers", text, {"from": ["20 €"], "years": True}) is None
    assert said("numbers", text, {"from": "1999", "small": 19}, {"price": 20}) is not None
    assert said("numbers", "There are 3 of them", {"small": 0}) is not None


@pytest.mark.parametrize("seed", range(30))
def test_a_number_is_known_in_each_countrys_spelling_and_another_is_not(seed: int) -> None:
    random = Random(seed)
    whole, cents = random.randrange(1_000, 10**9), random.randrange(1, 100)
    number = float(f"{whole}.{cents:02}")
    english = f"{whole:,}.{cents:02}"
    spellings = [
        english,
        *(english.translate(str.maketrans(",.", to)) for to in (".,", " ,", "\u00a0,", "’.")),
    ]
    values: dict[str, Any] = {"price": number}
    other = f"{whole + 1:,}.{cents:02}"
    for text in spellings:
        assert said("numbers", f"It costs {text} €.", values=values) is None, text
        assert said("numbers", f"It costs {number} €.", {"from": f"x {text} y"}) is None, text
    assert other in (said("numbers", f"It costs {other} €.", values=values) or "")


@pytest.mark.parametrize(
    "text", ["1" * 1_000_000, "1," * 500_000, "1 000 " * 50_000, "1.000" * 100_000, "一" * 1_000_000,
             "千" * 500_000, "\ud800 7" * 50_000]
)  # fmt: skip
def test_a_hostile_text_takes_no_time(text: str) -> None:
    begun = time.process_time()
    said("numbers", text, values={"a": text[1:], "b": 10**400, "c": float("inf")})
    assert time.process_time() - begun < 5
