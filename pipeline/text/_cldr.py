"""The plural categories of languages, from Unicode CLDR 47 (Unicode License V3, © 1991-2025 Unicode, Inc.).

This module does not know messages.
"""

from __future__ import annotations

from functools import cache
from typing import NamedTuple

_CARDINAL = {
    "other": "bm bo dz hnj id ig ii ja jbo jv kde kea km ko lkt lo ms my nqo osa sah ses sg su th to tpi "
    "tt vi wo yo yue zh",
    "one other": "af an asa ast az bal bem bez bg brx ce cgg chr ckb da de dv ee el en eo et eu fi fo fur fy "
    "gl gsw ha haw hu ia io jgo jmc ka kaj kcg kk kkj kl ks ksb ku ky lb lg lij mas mgo ml mn "
    "mr nb nd ne nl nn nnh no nr ny nyn om or os pap ps rm rof rwk saq sc sd sdh seh sn so sq "
    "ss ssy st sv sw syr ta te teo tig tk tn tr ts ug ur uz ve vo vun wae xh xog yi",
    "*one other": "ak am as bho bn ceb doi fa ff fil gu guw hi hy is kab kn ln mg mk nso pa pcm si ti tl tzm "
    "wa zu",
    "zero one two few many other": "ar cy",
    "*one few many other": "be ru uk",
    "zero one other": "blo ksh lag",
    "*one *two few ?many other": "br",
    "*one *two few ?many ?other": "gv",
    "*one few other": "bs hr sh sr",
    "*one few ?other": "shi",
    "one ?many other": "ca es it lld pt-pt scn vec",
    "*one ?many other": "fr ht pt",
    "one few ?many other": "cs sk",
    "*one *two few other": "dsb gd hsb sl",
    "one two few many other": "ga mt",
    "one two other": "he iu iw naq sat se sma smj smn sms",
    "*one few ?many other": "lt",
    "*zero *one other": "lv prg",
    "one few many other": "pl",
    "one few other": "mo ro",
    "zero one *two few many other": "kw",
}
"""`?` before a category of fractions and of millions only; `*` before one that other numbers have, too"""
_ORDINAL = {
    "one two few many other": "as bn gu hi or",
    "one few many other": "az",
    "one other": "bal fil fr ga ht hu hy lo mo ms ne ro sv tl vi",
    "few other": "be tk uk",
    "zero one few other": "blo",
    "one two few other": "ca en gd mr",
    "zero one two few many other": "cy",
    "many other": "it kk lij lld sc scn vec",
    "one many other": "ka kw sq",
    "one two many other": "mk",
}
_NUMBERS = {"zero": "=0", "one": "=1", "two": "=2"}


class Categories(NamedTuple):
    """What a `plural` in a language has to have, and what it may have."""

    needed: frozenset[str]
    allowed: frozenset[str]
    instead: dict[str, str]
    """the branches for one number that can stand for a category: `=1` for one"""
    wider: frozenset[str]
    """the categories that have other numbers, too: `one` of 1, 21, 31, …"""


def categories(language: str, *, ordinal: bool = False) -> Categories | None:
    """The categories of a language; None where they are not known."""
    return _categories(language.lower().replace("_", "-"), ordinal)


@cache
def _categories(tag: str, ordinal: bool) -> Categories | None:
    row = _row(_CARDINAL, tag)
    if row and ordinal:
        row = _row(_ORDINAL, tag) or "other"
    if not row:
        return None
    words = row.split()
    needed = frozenset(word.lstrip("*") for word in words if word[0] != "?") | {"other"}
    allowed = frozenset(word.lstrip("*?") for word in words)
    wider = frozenset(word[1:] for word in words if word[0] == "*")
    return Categories(needed, allowed, {} if ordinal else _NUMBERS, wider)


def _row(table: dict[str, str], tag: str) -> str:
    for name in (tag, tag.split("-")[0]):
        if found := next((row for row, tags in table.items() if name in tags.split()), ""):
            return found
    return ""
