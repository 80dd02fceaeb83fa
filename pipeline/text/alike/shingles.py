"""A text as the set of its shingles: pairs of neighbouring words, or of characters in scripts without spaces.

Case, punctuation and emoji do not count. Nothing here depends on the process or on the version of a library,
because what is found nearly equal decides what is asked again. This module compares nothing.
"""

from __future__ import annotations

import re
from unicodedata import normalize
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

_ALONE = (
    "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3005-\u3007\u3040-\u30ff\u31f0-\u31ff"
    "\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U000323af"
)
"""Thai, Lao, Burmese, Khmer, kana and Han: written without spaces, so each character stands for itself"""
_TOKEN = re.compile(rf"[{_ALONE}]|[^\W_{_ALONE}]+")
_FIRST_WORDS, _FIRST_CHARACTERS = 3, 6
"""of an opening"""
Hashes = NDArray[np.uint32]
_LEFT, _RIGHT = np.uint64(0x9E3779B97F4A7C15), np.uint64(0xC2B2AE3D27D4EB4F)


def shingles(text: str) -> Hashes:
    """The hashes of the shingles, each once, in ascending order; none for an empty text."""
    tokens = _TOKEN.findall(normalize("NFKC", text).casefold()) or text.split()
    if not tokens:
        return np.empty(0, np.uint32)
    hashes = np.fromiter((crc32(one.encode("utf-8", "replace")) for one in tokens), np.uint64, len(tokens))
    pairs = hashes[:-1] * _LEFT + hashes[1:] * _RIGHT if len(tokens) > 1 else hashes * _LEFT
    return np.unique(mixed(pairs))


def mixed(hashes: NDArray[np.uint64]) -> Hashes:
    """32 bits of each, all of which depend on all of its bits (the end of MurmurHash3)."""
    hashes = (hashes ^ (hashes >> np.uint64(33))) * np.uint64(0xFF51AFD7ED558CCD)
    hashes = (hashes ^ (hashes >> np.uint64(33))) * np.uint64(0xC4CEB9FE1A85EC53)
    return (hashes >> np.uint64(32)).astype(np.uint32)


def opening(text: str) -> tuple[str, str]:
    """The first words of a text: to be compared, and as they stand there."""
    found = list(_firsts(text))
    if not found:
        return "", ""
    return " ".join(one[0].casefold() for one in found), text[found[0].start() : found[-1].end()]


def _firsts(text: str) -> list[re.Match[str]]:
    found: list[re.Match[str]] = []
    for one in _TOKEN.finditer(text):
        found.append(one)
        in_characters = re.match(f"[{_ALONE}]", found[0][0]) is not None
        if len(found) == (_FIRST_CHARACTERS if in_characters else _FIRST_WORDS):
            break
    return found
