"""Whether a text is plainly written in a language, by its small words: far quicker than a model of letters.

Where that is not plain, nothing is said. This module does not know checks.
"""

from __future__ import annotations

import re

_LEAST, _SHARE = 3, 0.12
"""how many small words that no other language of the table has, and which share of all words"""
_SMALL = {
    "de": "und der das nicht ist mit sich auch auf für dem wird werden eine einen einer sind nach wie bei",
    "en": "the and of that with this from have which were their been would are was its they not has had you",
    "es": "los las una pero más muy está también sus del esta hay donde cuando porque este sobre todo años",
    "fr": "les des est dans une qui pas sur avec pour ce au aux plus sont cette leur mais vous nous elle ses",
    "it": "che della di gli nel anche sono più questo questa alla degli dalla delle ma dei nella come essere",
    "nl": "het een van niet voor zijn ook naar door maar deze worden wordt bij uit heeft kan dat op aan",
    "pt": "não uma mais pelo pela são também foi dos nas seu sua mas ao está você isso muito quando nos",
    "sv": "och att är inte som på av för med till har från också eller kan ett sig vid efter denna",
}
_OWN = {
    language: frozenset(words.split()).difference(
        *(other.split() for name, other in _SMALL.items() if name != language)
    )
    for language, words in _SMALL.items()
}
_OTHER_SCRIPT = re.compile("[\u0370-\u1dff\u2e80-\ud7ff\uf900-\ufaff\uff66-\uffdc]")
_WINDOW = 150
"""characters of a part"""


def plainly(text: str, language: str) -> bool:
    """Whether so many small words of this language stand in a text that it can be written in no other."""
    own = _OWN.get(language)
    if own is None or _OTHER_SCRIPT.search(text):
        return False
    words = text.lower().split()
    found = sum(map(own.__contains__, words))
    return found >= _LEAST and found >= _SHARE * len(words)


def plainly_all(text: str, language: str) -> bool:
    """Whether that holds for every part of a text that has some letters more than a sentence."""
    windows = max(1, len(text) // _WINDOW)
    size = max(1, -(-len(text) // windows))
    return all(plainly(text[at : at + size], language) for at in range(0, len(text), size))
