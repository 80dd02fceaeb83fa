"""How long a text is, in the units that people and platforms count in.

What is counted is the text as it is given: markup and addresses are taken out before, by `plain`. Only the
units that a platform has of its own (`x_weighted`, `mastodon`, `threads`) weigh addresses themselves.
This module does not know checks.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Literal
from unicodedata import normalize

from pipeline.text.plain import ADDRESS, PATH, has_address
from pipeline.text.prose.graphemes import EMOJI, graphemes
from pipeline.text.scripts import weights
from pipeline.text.sentences import sentences

Unit = Literal["characters", "nonspace", "han", "words", "graphemes", "sentences", "x_weighted"]
_NAMES = {
    "nonspace": "characters without spaces",
    "han": "Chinese characters",
    "graphemes": "characters",
    "x_weighted": "characters as X counts them",
    "mastodon": "characters",
    "threads": "characters, where an emoji counts as its bytes",
    "utf16": "characters",
}
_HAN = re.compile(
    "[々〇\u2e80-\u2fd5〡-〩〸-〻\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003fffd]+"
)
_WIDE = (
    "\u2e80-\u2fff\u3001-\u312f\u3190-\ua4cf\uf900-\ufaff\ufe30-\ufe4f\uff01-\uff9f\uffe0-\uffe6"
    "\U00016fe0-\U00016fff\U0001aff0-\U0001b16f\U00020000-\U0003fffd"
)
_EAST_ASIAN = re.compile(f"[{_WIDE}][{_WIDE}‘’“”…—]*")
"""what Word counts one by one: Han, kana, bopomofo, and punctuation and signs of their width; not Hangul

Quotes, dashes and dots that Chinese shares with other scripts are such signs behind one of these.
"""
_OF_SCRIPT = {
    "Hani": "zh",
    "Kana": "ja",
    "Cyrl": "ru",
    "Grek": "el",
    "Arab": "ar",
    "Deva": "hi",
    "Armn": "hy",
}
"""a language whose ends of sentences are those of the script"""
_LONGEST = 5_000
"""characters of a line that are cut into sentences at once: the time for hostile ones grows faster"""
_LETTER = re.compile(r"\w")
_ONE = f"[{EMOJI}]\ufe0f?[🏻-🏿]?[\U000e0020-\U000e007f]*"
_PICTURE = re.compile(f"[🇦-🇿]{{2}}|[0-9#*]\ufe0f?\u20e3|[©®](?!\ufe0f)|{_ONE}(?:\u200d{_ONE})*")
_LIGHT = re.compile("[\x00-\u10ff\u2000-\u200d\u2010-\u201f\u2032-\u2037]")
_COUNTRIES = (
    "a[c-gil-oq-uwxz]|b[abd-jl-oq-tvwyz]|c[acdf-ik-oru-z]|d[ejkmoz]|e[ceghr-u]|f[ijkmor]|g[abd-ilmnp-uwy]"
    "|h[kmnrtu]|i[delmnoq-t]|j[emop]|k[eghimnprwyz]|l[abcikr-vy]|m[ac-hk-z]|n[acefgilopruz]|om"
    "|p[ae-hk-nrstwy]|qa|r[eosuw]|s[a-eg-orstuvx-z]|t[cdfghj-prtvwz]|u[agkmsyz]|v[aceginu]|w[fs]|y[et]|z[amw]"
)
_OTHERS = (
    "com|org|net|edu|gov|int|info|biz|name|pro|app|dev|xyz|online|site|store|shop|tech|club|blog|cloud|page"
    "|link|live|news|media|digital|agency|studio|design|art|world|today|life|space|website|solutions|services"
    "|systems|software|academy|school|company|group|team|work|tools|network|email|social|community|events"
    "|tours|restaurant|cafe|pizza|bar|fashion|fitness|health|care|energy|bio|farm|garden|house|city|berlin"
    "|hamburg|wien|london|paris|nyc|tokyo|wiki|top|vip|one|bank|finance|fund|consulting|marketing|global|click"
)
_TOP = re.compile(rf"\.(?:{_COUNTRIES}|{_OTHERS})(?![a-z0-9@+-])", re.I)
_LABEL = "[a-z0-9\u00c0-\u024f-]{1,63}"
_DOMAIN = re.compile(
    rf"(?<![\w@＠$#＃./\u00c0-\u024f-])(?:{_LABEL}\.)*{_LABEL}{_TOP.pattern}(?:/(?:{PATH})?)?", re.I | re.A
)
"""an address without its scheme, of all countries and of the commonest other endings; X links it, too"""
_OF_LINK = "x" * 23
"""every address counts 23 at X and at Mastodon, however long it is"""
_MENTION = re.compile(r"(?<![\w/])(@\w{1,64})@[\w-]{1,64}(?:\.[\w-]{1,64}){1,8}", re.ASCII)


def count(text: str, unit: str) -> int:
    """The length of a text."""
    return _COUNTERS[unit](text)


def named(unit: str) -> str:
    """What a unit is called to a model."""
    return _NAMES.get(unit, unit)


def _nonspace(text: str) -> int:
    return sum(map(len, text.split()))


def _han(text: str) -> int:
    return 0 if text.isascii() else len(text) - len(_HAN.sub("", text))


def _words(text: str) -> int:
    if text.isascii():
        return len(text.split())
    return len(text) - len(_EAST_ASIAN.sub("", text)) + len(_EAST_ASIAN.sub(" ", text).split())


def _sentences(text: str) -> int:
    """Sentences with a letter or a digit in them; no sentence goes on in another line."""
    weighed = weights(text)
    language = _OF_SCRIPT.get(max(weighed, key=lambda script: weighed[script], default=""), "en")
    return sum(
        bool(_LETTER.search(piece[start:end]))
        for line in filter(None, map(str.strip, text.splitlines()))
        for piece in (line[at : at + _LONGEST] for at in range(0, len(line), _LONGEST))
        for start, end in sentences(piece, language, "sentencex")
    )


def _with_links(text: str) -> str:
    return ADDRESS.sub(_OF_LINK, text) if has_address(text) else text


def _x_weighted(text: str) -> int:
    """As twitter-text 3 is configured: most alphabets count 1, other signs 2, and so does a whole emoji."""
    text = _with_links(text)
    if _TOP.search(text):
        text = _DOMAIN.sub(_OF_LINK, text)
    if text.isascii():
        return len(text)
    text = _PICTURE.sub(lambda found: found[0] if found[0] in "©®" else "字", normalize("NFC", text))
    return 2 * len(text) - len(_LIGHT.findall(text))


def _mastodon(text: str) -> int:
    """Graphemes; of a mention of somebody at another server, only the name counts."""
    text = _with_links(text)
    return graphemes(_MENTION.sub(r"\1", text) if "@" in text else text)


def _threads(text: str) -> int:
    """Characters; each emoji counts as many as it has bytes."""
    pictures = _PICTURE.findall(text) if not text.isascii() else ()
    return len(text) + sum(len(one.encode()) - len(one) for one in pictures)


def _utf16(text: str) -> int:
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


_COUNTERS: Mapping[str, Callable[[str], int]] = {
    "characters": len,
    "nonspace": _nonspace,
    "han": _han,
    "words": _words,
    "graphemes": graphemes,
    "sentences": _sentences,
    "x_weighted": _x_weighted,
    "mastodon": _mastodon,
    "threads": _threads,
    "utf16": _utf16,
}
