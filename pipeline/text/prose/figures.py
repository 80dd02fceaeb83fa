"""The figures of a text, each with all the numbers that it can mean: 1.234 is 1234 in some countries.

Signs and units do not count. This module does not know where a figure comes from.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from unicodedata import decimal

from pipeline.core.domain import frozen

_SEPARATOR = re.compile(r"\D")
_POINTS = ".,\u066b"
"""what may stand before a fraction"""
_SMALL = 19
_FIGURE = re.compile(
    r"(?:(?<![A-Za-zÀ-ԯ\d])(?<![A-Za-zÀ-ԯ]-)(?<!\d[.,])|(?<=\b[vV]))"
    r"\d+(?:[.,'’\u066b\u066c:/-]\d+|[ \u00a0\u202f]\d{3}(?!\d))*"
    r"(?:\s?(?P<percent>[%％٪]|percent|per cent|Prozent|pour cent|por ciento|процент)"
    r"|\s?(?P<many>thousand|tausend|tsd\b|mille?\b|тысяч|million|mio\b|millones|millón|milh|миллион|billion|bn\b"
    r"|milliard|mrd\b|миллиард|[kK]\b|千|万|萬|百万|亿|億))?",
    re.IGNORECASE,
)
_POWERS = {
    3: ("thousand", "tausend", "tsd", "mil", "mille", "тысяч", "k", "千"), 4: ("万", "萬"),
    6: ("million", "mio", "millones", "millón", "milh", "миллион", "百万"), 8: ("亿", "億"),
    9: ("billion", "bn", "milliard", "mrd", "миллиард"),
}  # fmt: skip
_POWER_OF = {word: power for power, words in _POWERS.items() for word in words}
_NUMBERED = re.compile(r"^[ \t>*#-]{0,8}\d{1,3}[.)、．:](?=\s|[^\W\d])", re.MULTILINE)
_HAN = re.compile("[零〇一二两兩三四五六七八九十百千万萬亿億]{2,30}")
_HAN_DIGITS = {
    sign: value for value, signs in enumerate(("零〇", "一", "二两兩", *"三四五六七八九")) for sign in signs
}
_HAN_UNITS = {"十": 10, "百": 100, "千": 1_000, "万": 10**4, "萬": 10**4, "亿": 10**8, "億": 10**8}


@frozen
class Figure:
    """A figure as it is written, and the numbers that it can mean, each in one spelling."""

    written: str
    readings: frozenset[str]
    parts: tuple[str, ...]
    """the numbers between its separators, where it can be a date, a time, or several numbers"""

    @property
    def whole(self) -> int | None:
        """The number, if it is a small one without separators."""
        return int(self.written) if self.written.isdecimal() and len(self.written) < _SMALL else None


def figures(text: str) -> Iterator[Figure]:
    """All figures of a text, also Chinese ones; the numbers before the items of a list are none."""
    text = _NUMBERED.sub("", text)
    for found in _FIGURE.finditer(text):
        end = next((found.start(name) for name in ("percent", "many") if found[name]), found.end())
        digits = text[found.start() : end].rstrip()
        shift = -2 if found["percent"] else _POWER_OF.get((found["many"] or "").casefold(), 0)
        yield _figure(digits, shift)
    for han in _HAN.findall(text) if not text.isascii() else ():
        value = _of_han(han)
        if value is not None:
            yield Figure(han, frozenset((str(value),)), ())


def readings(texts: Iterable[str]) -> set[str]:
    """All that the figures of some texts can mean, whole and in their parts."""
    return {one for text in texts for figure in figures(text) for one in (*figure.readings, *figure.parts)}


def _figure(digits: str, shift: int) -> Figure:
    groups = _SEPARATOR.split(digits)
    if len(groups) == 1:
        return Figure(digits, frozenset((_shifted(digits, "", 0), _shifted(digits, "", shift))), ())
    found = set[str]()
    if len(groups[0]) <= 3 and len(groups[-1]) == 3 and all(len(group) in (2, 3) for group in groups[1:]):
        found |= {_shifted("".join(groups), "", power) for power in (0, shift)}
    last = digits[-len(groups[-1]) - 1]
    if last in _POINTS:
        found |= {_shifted("".join(groups[:-1]), groups[-1], power) for power in (0, shift)}
    several = last not in _POINTS or (len(groups) > 2 and len(groups[1]) < 3)
    return Figure(digits, frozenset(found), tuple(_shifted(one, "", 0) for one in groups) if several else ())


def _shifted(whole: str, fraction: str, power: int) -> str:
    """A number times a power of ten, in one spelling."""
    digits, point = whole + fraction, len(whole) + power
    digits = digits if digits.isascii() else "".join(str(decimal(sign)) for sign in digits)
    digits = digits.ljust(point, "0") if point >= 0 else "0" * -point + digits
    point = max(point, 0)
    before, behind = digits[:point].lstrip("0") or "0", digits[point:].rstrip("0")
    return f"{before}.{behind}" if behind else before


def _of_han(text: str) -> int | None:
    """The number that Chinese digits mean: 三百二十 is 320, 二〇二四 is 2024; None for words such as 千万."""
    if all(sign in _HAN_DIGITS for sign in text):
        return int("".join(str(_HAN_DIGITS[sign]) for sign in text)) if len(text) > 3 else None
    if not any(sign in _HAN_DIGITS for sign in text) or len(text) < 3:
        return None
    whole = part = digit = 0
    for sign in text:
        unit = _HAN_UNITS.get(sign, 0)
        if not unit:
            digit = _HAN_DIGITS[sign]
        elif unit < 10**4:
            part, digit = part + (digit or 1) * unit, 0
        else:
            whole, part, digit = whole + (part + digit) * unit, 0, 0
    return whole + part + digit
