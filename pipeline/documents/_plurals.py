"""The plural forms of gettext: how many a language has, and which form each number takes.

The formulas give CLDR's categories for whole numbers, as GNU gettext writes them.
This module does not know files.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from gettext import c2py

_RULES = {
    "1 0": "ay bo dz id ja jbo jv km ko lo ms my nqo sah ses su th tt ug vi wo yo yue za zh",
    "2 n > 1": "ak am as bh bn br fa ff fil fr gu gun hi hy kab kn ln mfe mg mi nso oc pa pt si ti wa zu",
    "3 n%10==1 && n%100!=11 ? 0 : n%10>=2 && n%10<=4 && (n%100<10 || n%100>=20) ? 1 : 2": "be bs hr ru sr uk",
    "3 n==1 ? 0 : n>=2 && n<=4 ? 1 : 2": "cs sk",
    "3 n==1 ? 0 : n%10>=2 && n%10<=4 && (n%100<10 || n%100>=20) ? 1 : 2": "csb pl szl",
    "3 n%10==1 && n%100!=11 ? 0 : n%10>=2 && (n%100<10 || n%100>=20) ? 1 : 2": "lt",
    "3 n%10==1 && n%100!=11 ? 0 : n!=0 ? 1 : 2": "lv",
    "3 n==1 ? 0 : n==0 || (n%100>0 && n%100<20) ? 1 : 2": "ro",
    "3 n==1 ? 0 : n==2 ? 1 : 2": "iu naq se sma smj smn sms",
    "4 n%100==1 ? 0 : n%100==2 ? 1 : n%100==3 || n%100==4 ? 2 : 3": "dsb hsb sl",
    "4 n==1 || n==11 ? 0 : n==2 || n==12 ? 1 : n>2 && n<20 ? 2 : 3": "gd",
    "4 n==1 ? 0 : n==0 || (n%100>1 && n%100<11) ? 1 : n%100>10 && n%100<20 ? 2 : 3": "mt",
    "2 n%10==1 && n%100!=11 ? 0 : 1": "is mk",
    "5 n==1 ? 0 : n==2 ? 1 : n<7 ? 2 : n<11 ? 3 : 4": "ga",
    "6 n==0 ? 0 : n==1 ? 1 : n==2 ? 2 : n%100>=3 && n%100<=10 ? 3 : n%100>=11 ? 4 : 5": "ar",
    "6 n==0 ? 0 : n==1 ? 1 : n==2 ? 2 : n==3 ? 3 : n==6 ? 4 : 5": "cy",
}
_OTHERS = {"pt-pt": "2 n != 1"}
_RULE = re.compile(r"nplurals\s*=\s*([1-9])\s*;\s*plural\s*=\s*([^;]{1,900})")
_SAMPLES = range(201)


@dataclass(frozen=True, slots=True)
class Forms:
    """The plural forms of a language."""

    count: int
    formula: str
    of: Callable[[int], int]

    def numbers(self, form: int) -> list[int]:
        """Which of the first numbers take a form."""
        return [number for number in _SAMPLES if self.of(number) == form]

    def __str__(self) -> str:
        return f"nplurals={self.count}; plural=({self.formula});"


@cache
def forms(rule: str) -> Forms | None:
    """The forms of a header's `Plural-Forms`; None where it says nothing that can be read."""
    found = _RULE.search(rule)
    if not found:
        return None
    try:
        of = c2py(found[2].strip())
        fits = all(0 <= of(number) < int(found[1]) for number in _SAMPLES)
    except (ValueError, ArithmeticError, RecursionError):
        return None
    return Forms(int(found[1]), found[2].strip(), of) if fits else None


@cache
def forms_of(language: str) -> Forms:
    """The forms of a language; one and many where it is not known."""
    tag = language.lower().replace("_", "-")
    base = tag.split("-")[0]
    rule = _OTHERS.get(tag) or next(
        (rule for rule, tags in _RULES.items() if base in tags.split()), "2 n != 1"
    )
    count, _, formula = rule.partition(" ")
    return Forms(int(count), formula, c2py(formula))
