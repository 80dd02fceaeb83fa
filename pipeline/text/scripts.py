"""The script of characters (Latin, Han, Cyrillic, …) and how much text letters are worth.

This module does not know languages.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections import Counter
from collections.abc import Mapping
from functools import lru_cache
from unicodedata import category

_RANGES = """
0041 02AF Latn|0370 03FF Grek|0400 052F Cyrl|0530 058F Armn|0590 05FF Hebr|0600 06FF Arab|0700 074F Syrc
0750 077F Arab|0780 07BF Thaa|07C0 07FF Nkoo|0870 08FF Arab|0900 097F Deva|0980 09FF Beng|0A00 0A7F Guru
0A80 0AFF Gujr|0B00 0B7F Orya|0B80 0BFF Taml|0C00 0C7F Telu|0C80 0CFF Knda|0D00 0D7F Mlym|0D80 0DFF Sinh
0E00 0E7F Thai|0E80 0EFF Laoo|0F00 0FFF Tibt|1000 109F Mymr|10A0 10FF Geor|1100 11FF Hang|1200 139F Ethi
13A0 13FF Cher|1400 167F Cans|1780 17FF Khmr|1800 18AF Mong|1C80 1C8F Cyrl|1C90 1CBF Geor|1E00 1EFF Latn
1F00 1FFF Grek|2C60 2C7F Latn|2D00 2D2F Geor|2D30 2D7F Tfng|2D80 2DDF Ethi|2DE0 2DFF Cyrl|3005 3007 Hani
3041 309F Kana|30A1 30FF Kana|3100 312F Bopo|3130 318F Hang|31F0 31FF Kana|3400 4DBF Hani|4E00 9FFF Hani
A000 A4CF Yiii|A640 A69F Cyrl|A720 A7FF Latn|A8E0 A8FF Deva|A960 A97F Hang|AA60 AA7F Mymr|AB70 ABBF Cher
AC00 D7FF Hang|F900 FAFF Hani|FB1D FB4F Hebr|FB50 FDFF Arab|FE70 FEFC Arab|FF21 FF5A Latn|FF66 FF9F Kana
20000 323AF Hani
"""
_TABLE = sorted(
    (int(start, 16), int(end, 16), name)
    for start, end, name in (
        entry.split() for line in _RANGES.split("\n") for entry in line.split("|") if entry
    )
)
_STARTS = [start for start, _, _ in _TABLE]
WEIGHT = {"Hani": 3, "Kana": 2, "Hang": 2}
"""what a letter is worth in Latin letters: about 15 of them are the least that tells a language"""


def script_of(letter: str) -> str:
    """The script of a letter or of a sign on one, as ISO 15924 names it; '' for anything else.

    Hiragana and katakana are both Kana.
    """
    if letter.isascii():
        return "Latn" if letter.isalpha() else ""
    place = bisect_right(_STARTS, ord(letter)) - 1
    if place < 0 or ord(letter) > _TABLE[place][1] or category(letter)[0] not in "LM":
        return ""
    return _TABLE[place][2]


class _Known(dict[str, str]):
    """Scripts of the characters that were met; there are not more than Unicode has."""

    def __missing__(self, letter: str) -> str:
        self[letter] = found = script_of(letter)
        return found


_KNOWN = _Known()
_BEYOND_ASCII = re.compile(r"[^\x00-\x7f]")
_NO_LETTERS = bytes(code for code in range(128) if not chr(code).isalpha())


def scripts(text: str) -> Counter[str]:
    """How many letters of each script stand in a text."""
    found = Counter(map(_KNOWN.__getitem__, _BEYOND_ASCII.findall(text))) if not text.isascii() else Counter()
    found.pop("", None)
    if plain := len(text.encode("ascii", "ignore").translate(None, _NO_LETTERS)):
        found["Latn"] += plain
    return found


@lru_cache(64)
def weights(text: str) -> Mapping[str, int]:
    """The weight of the letters of each script: a Han character counts as three letters."""
    return {script: count * WEIGHT.get(script, 1) for script, count in scripts(text).items()}


def weight(text: str) -> int:
    """The weight of all letters of a text."""
    return sum(weights(text).values())
