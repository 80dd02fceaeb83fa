"""How many characters a reader sees: extended grapheme clusters, as Unicode's annex 29 draws them.

Each code point becomes a letter for its class, and one pattern finds the clusters in these letters. The
tables are short because they hold only what Python's own tables of characters do not say. Pictures are taken
by whole blocks: signs in them that are no emoji differ only where somebody joins them, which nobody does.
Consonants are joined in the six Indic scripts of Unicode 15.1. This module does not know checks.
"""

from __future__ import annotations

import re
from unicodedata import category

EMOJI = "©®‼⁉™ℹ↔-↪⌚-⏿Ⓜ▪-◾☀-➿⤴⤵⬅-⭕〰〽㊗㊙🀀-\U0001fffd"
"""a class of a pattern: pictures"""
_TABLE = (
    ("R", "🇦-🇿"), ("J", "\u200d"), ("E", "\u200c🏻-🏿\U000e0020-\U000e007f\uff9e\uff9f"),
    ("P", "\u0600-\u0605\u06dd\u070f\u0890\u0891\u08e2\u0d4e\U000110bd\U000110cd"),
    ("L", "\u1100-\u115f\ua960-\ua97c"), ("V", "\u1160-\u11a7\ud7b0-\ud7c6"),
    ("T", "\u11a8-\u11ff\ud7cb-\ud7fb"),
    ("K", "\u0915-\u0939\u0958-\u095f\u0978-\u097f\u0995-\u09a8\u09aa-\u09b0\u09b2\u09b6-\u09b9\u09dc\u09dd"
     "\u09df\u09f0\u09f1\u0a95-\u0aa8\u0aaa-\u0ab0\u0ab2\u0ab3\u0ab5-\u0ab9\u0af9\u0b15-\u0b28\u0b2a-\u0b30"
     "\u0b32\u0b33\u0b35-\u0b39\u0b5c\u0b5d\u0b5f\u0b71\u0c15-\u0c28\u0c2a-\u0c39\u0c58-\u0c5a\u0d15-\u0d3a"),
    ("N", "\u094d\u09cd\u0acd\u0b4d\u0c4d\u0d4d"), ("S", "\u0e33\u0eb3"), ("X", EMOJI),
    ("O", "\u102b\u102c\u1038\u1062-\u1064\u1067-\u106d\u1083\u1087-\u108c\u108f\u109a-\u109c\u1a61\u1a63"
     "\u1a64\uaa7b\uaa7d\U00011720\U00011721"),
)  # fmt: skip
"""the letter of a class, and who is in it: flags, joiner, signs on letters, what begins the next one, Hangul,
Indic, signs behind letters, pictures, and what is none of it"""
_CLASSES = [(letter, re.compile(f"[{members}]")) for letter, members in _TABLE]
_OTHER_CLASSES = {"Mn": "E", "Me": "E", "Mc": "S", "Cc": "C", "Zl": "C", "Zp": "C", "Cf": "C"}
_AFTER = "[EJNS]"
_CLUSTER = re.compile(
    rf"rn|[Crn]|P*(?:RR|L*(?:[GV]V*T*|HT*)|L+|T+|X(?:E*JX)*|K(?:[EJ]*N[EJN]*K)*|[^Crn]){_AFTER}*|P+{_AFTER}*"
)
_ALONE = "\n -~\u00a1-\u00a8\u00aa-\u00ac\u00af-\u02ff\u0370-\u0482\u048a-\u058f\u2010-\u2027\u2030-\u203b"
_ALONE += "\u3000-\u3029\u3040-\u3096\u309b-\u3296\u3400-\ua66e\uff01-\uff9d"
_ALL_ALONE = re.compile(rf"(?<![^{_ALONE}])[{_ALONE}]+(?![^{_ALONE}])")
"""characters that are no part of a longer cluster, as their neighbours show"""


class _Known(dict[int, str]):
    """The class of each code point that was met."""

    def __missing__(self, code: int) -> str:
        self[code] = found = _class_of(chr(code))
        return found


_KNOWN = _Known({0x0D: "r", 0x0A: "n"})


def _class_of(character: str) -> str:
    if "\uac00" <= character <= "\ud7a3":
        return "H" if (ord(character) - 0xAC00) % 28 else "G"
    for letter, members in _CLASSES:
        if members.match(character):
            return letter
    return _OTHER_CLASSES.get(category(character), "O")


def graphemes(text: str) -> int:
    """The number of clusters."""
    rest = _ALL_ALONE.sub("", text)
    return len(text) - len(rest) + sum(1 for _ in _CLUSTER.finditer(rest.translate(_KNOWN)))
